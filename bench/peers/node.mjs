/**
 * An echo server of Node's sockets, each piped into itself:
 *
 *     node node.mjs tcp|tls|unix|udp PORT-OR-PATH [CERT KEY]
 */
import dgram from "node:dgram";
import fs from "node:fs";
import net from "node:net";
import process from "node:process";
import tls from "node:tls";

const [transport, where, cert, key] = process.argv.slice(2);
const address = transport === "unix"
  ? { path: where }
  : { host: "127.0.0.1", port: Number(where), backlog: 4096 };
const options = { allowHalfOpen: true, noDelay: true };

function echo(socket) {
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
}

if (transport === "udp") {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (bytes, from) => socket.send(bytes, from.port, from.address));
  socket.bind(Number(where), "127.0.0.1");
} else if (transport === "tls") {
  const identity = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
  tls.createServer({ ...options, ...identity }, echo).listen(address);
} else {
  net.createServer(options, echo).listen(address);
}
