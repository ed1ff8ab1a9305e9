// A bare read and write loop on Deno: what yodel costs beyond its runtime.
//     deno run --unstable-net --allow-all deno.ts tcp|tls|unix|udp PORT-OR-PATH [CERT KEY]
const [transport, where = "", cert = "", key = ""] = Deno.args;
const here = { hostname: "127.0.0.1", port: Number(where) };
if (transport === "udp") {
  const socket = Deno.listenDatagram({ transport, ...here });
  const buffer = new Uint8Array(64 * 1024);
  for (;;) await socket.send(...await socket.receive(buffer));
}
const listener = transport === "unix"
  ? Deno.listen({ transport, path: where })
  : transport === "tls"
  ? Deno.listenTls({ ...here, cert: Deno.readTextFileSync(cert), key: Deno.readTextFileSync(key) })
  : Deno.listen(here);
for await (const conn of listener) {
  if ("setNoDelay" in conn) conn.setNoDelay(true);
  echo(conn).catch(() => {}).finally(() => conn.close());
}
async function echo(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let length; (length = await conn.read(buffer)) !== null;) {
    for (let sent = 0; sent < length;) sent += await conn.write(buffer.subarray(sent, length));
  }
}
