/**
 * An echo server of Bun's own sockets:
 *
 *     bun bun.mjs tcp|tls|unix|udp PORT-OR-PATH [CERT KEY]
 *
 * What a socket does not take at once is kept, and until it has that, it is not read from.
 */
/* global Bun */
import process from "node:process";

const [transport, where, cert, key] = process.argv.slice(2);

const echo = {
  data(socket, bytes) {
    if (socket.data !== undefined) {
      socket.data = Buffer.concat([socket.data, bytes]);
      return;
    }
    const sent = Math.max(0, socket.write(bytes));
    if (sent === bytes.length) return;
    socket.data = Buffer.from(bytes.subarray(sent));
    socket.pause();
  },
  drain(socket) {
    if (socket.data === undefined) return;
    const sent = Math.max(0, socket.write(socket.data));
    socket.data = sent < socket.data.length ? socket.data.subarray(sent) : undefined;
    if (socket.data === undefined) socket.resume();
  },
  end: (socket) => socket.end(),
  error() {},
};

if (transport === "udp") {
  await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: Number(where),
    socket: { data: (socket, bytes, port, host) => void socket.send(bytes, port, host) },
  });
} else if (transport === "unix") {
  Bun.listen({ unix: where, socket: echo, allowHalfOpen: true });
} else {
  const tls = transport === "tls" ? { cert: Bun.file(cert), key: Bun.file(key) } : undefined;
  Bun.listen({
    hostname: "127.0.0.1",
    port: Number(where),
    socket: echo,
    tls,
    allowHalfOpen: true,
  });
}
