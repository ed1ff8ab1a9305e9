import { assertEquals, assertRejects } from "@std/assert";
import { EndpointError, formatEndpoint, serve, YodelError } from "../server.ts";
import { dialPort, exchange, portOf, random } from "./local.ts";
import { packages, root, run } from "./program.ts";

const doors = ["server.ts", "client.ts"].map((file) => root + file);

Deno.test("the examples in the documentation of the library pass the type check", async () => {
  const { code, stderr } = await run(
    [Deno.execPath(), "check", "--quiet", "--doc", ...packages, ...doors],
  );
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
});

for (const door of ["main.ts", "server.ts", "client.ts"]) {
  Deno.test(`all that ${door} exports is documented, with all the types that it needs`, async () => {
    const command = [Deno.execPath(), "doc", "--quiet", "--lint", ...packages, root + door];
    const { code, stderr } = await run(command);
    assertEquals({ code, errors: stderr.match(/^error.*\n.*/gm) ?? [] }, { code: 0, errors: [] });
  });
}

Deno.test("serve takes endpoints as text, one or several, and refuses what is none", async () => {
  await using one = await serve("127.0.0.1:0");
  await using two = await serve(["tcp://127.0.0.1:0", {
    scheme: "tcp",
    host: "127.0.0.1",
    port: 0,
  }]);
  assertEquals([one, two].map(({ endpoints }) => endpoints.length), [1, 2]);
  for (const endpoint of [...one.endpoints, ...two.endpoints]) {
    using conn = await dialPort(portOf(endpoint));
    const sent = random(100);
    assertEquals(await exchange(conn, sent), sent);
  }
  await assertRejects(() => serve("127.0.0.1"), YodelError, 'endpoint "127.0.0.1": expected');
  const [taken = ""] = one.endpoints.map(formatEndpoint);
  await assertRejects(() => serve(["127.0.0.1:0", taken]), EndpointError, "address in use");
});

Deno.test("a server that is stopped lets its connections finish, and can be stopped again", async () => {
  await using server = await serve("127.0.0.1:0");
  const port = portOf(server.endpoints[0]);
  using conn = await dialPort(port);
  const sent = random(100);
  await conn.write(sent);
  const stopped = server.stop();
  const back = new Uint8Array(200);
  let length = 0;
  for (let more; (more = await conn.read(back.subarray(length))) !== null;) length += more;
  assertEquals(back.subarray(0, length), sent);
  await Promise.all([stopped, server.stop(), server.finished]);
  await assertRejects(() => dialPort(port), Deno.errors.ConnectionRefused);
});
