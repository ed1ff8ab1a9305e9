// A bare read and write loop on Deno: what yodel costs beyond its runtime.
//     deno run --allow-net deno.ts tcp PORT
const [, port] = Deno.args;
for await (const conn of Deno.listen({ hostname: "127.0.0.1", port: Number(port) })) {
  conn.setNoDelay(true);
  echo(conn).catch(() => {}).finally(() => conn.close());
}
async function echo(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let length; (length = await conn.read(buffer)) !== null;) {
    for (let sent = 0; sent < length;) sent += await conn.write(buffer.subarray(sent, length));
  }
}
