/** The server among programs that others wrote. CI installs them all. */
import { assertEquals } from "@std/assert";
import { random, startLocal } from "./local.ts";
import { available, shell } from "./program.ts";

for (
  const [peer, command] of [
    ["nc", "nc -N 127.0.0.1 $PORT"],
    ["ncat", "ncat 127.0.0.1 $PORT"],
    ["socat", "socat -t 30 - TCP:127.0.0.1:$PORT"],
    [
      "python3",
      `python3 -c '
import os, socket, sys, threading
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def send():
    while block := os.read(0, 65536): s.sendall(block)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
while block := s.recv(65536): sys.stdout.buffer.write(block)
' $PORT`,
    ],
  ] as const
) {
  Deno.test(`${peer} gets 20 MiB back as it sent them, and ends by itself`, {
    // The nc of macOS has no -N, without which it would never end.
    ignore: !available(peer) || (peer === "nc" && Deno.build.os !== "linux"),
  }, async () => {
    await using server = await startLocal();
    // Several times what the buffers of both sockets hold.
    const file = await Deno.makeTempFile();
    await Deno.writeFile(file, random(20 * 1024 * 1024));
    const { code, stdout, stderr } = await shell(
      `set -o pipefail; PORT=${server.port}; ${command} <${file} | cmp - ${file}`,
    );
    assertEquals({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
    await Deno.remove(file);
  });
}
