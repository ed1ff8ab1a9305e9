"""An echo server with a thread for each connection, by socketserver.

    python3 python_threads.py tcp|tls|unix|udp PORT-OR-PATH [CERT KEY]
"""
import socketserver
import ssl
import sys

transport, where, *identity = sys.argv[1:]


class Echo(socketserver.BaseRequestHandler):
    disable_nagle_algorithm = transport != "unix"

    def handle(self):
        try:
            if transport == "tls":
                self.request = context.wrap_socket(self.request, server_side=True)
            while data := self.request.recv(65536):
                self.request.sendall(data)
        except OSError:
            pass


class EchoDatagram(socketserver.BaseRequestHandler):
    def handle(self):
        data, socket = self.request
        socket.sendto(data, self.client_address)


class TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 4096


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 4096


if transport == "tls":
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*identity)
if transport == "unix":
    server = UnixServer(where, Echo)
elif transport == "udp":
    server = socketserver.UDPServer(("127.0.0.1", int(where)), EchoDatagram)
else:
    server = TcpServer(("127.0.0.1", int(where)), Echo)
server.serve_forever()
