import json
import re
import socket
import subprocess
import unittest
import urllib.request


class RetryingClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.yodel = subprocess.Popen(
            ["yodel", "serve", "127.0.0.1:0", "--control", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        cls.control = None
        while cls.control is None:
            found = re.search(r"http:\S+/faults", cls.yodel.stderr.readline())
            cls.control = found and found.group()
        cls.port = int(cls.yodel.stdout.readline().rpartition(":")[2])

    @classmethod
    def tearDownClass(cls):
        cls.yodel.terminate()
        cls.yodel.communicate()

    def set_faults(self, *faults):
        body = json.dumps({"faults": faults}).encode()
        request = urllib.request.Request(self.control, body, method="PUT")
        urllib.request.urlopen(request).close()

    def ask(self, data):
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
            client.sendall(data)
            return client.recv(100)

    def ask_again(self, data, tries):
        for _ in range(tries):
            try:
                if answer := self.ask(data):
                    return answer
            except OSError:
                pass
        return None

    def test_two_resets(self):
        self.set_faults("reset-after=0@1..2")
        self.assertEqual(self.ask_again(b"hello", 2), None)
        self.assertEqual(self.ask_again(b"hello", 1), b"hello")

    def test_the_end_of_a_fault(self):
        self.set_faults("refuse")
        self.assertEqual(self.ask_again(b"hello", 3), None)
        self.set_faults()
        self.assertEqual(self.ask_again(b"hello", 1), b"hello")


if __name__ == "__main__":
    unittest.main()
