/** A server that runs out of descriptors. */
import { assert, assertEquals } from "@std/assert";
import { parseEndpoint } from "../server.ts";
import { open, STREAMS } from "./faulty.ts";
import { dialPort, exchange, freePort, random } from "./local.ts";
import { descriptorsOf, inEach, onLinux, PATIENT, timed, until } from "./machine.ts";
import { program, startServer } from "./program.ts";
import { certFile, folder, keyFile } from "./servers.ts";

Deno.test("200 clients share a server that may open 64 files", onLinux, async () => {
  const own = ["--cert", certFile, "--key", keyFile];
  const reset = ["--fault", "reset-after=1m"];
  const ways = [...STREAMS.map((scheme) => [scheme]), ["tcp", ...reset], ["tls", ...reset]];
  await inEach(ways, async ([scheme, ...faults]) => {
    const asked = scheme === "unix" ? `unix:${folder}/short.sock` : `${scheme}://127.0.0.1:0`;
    const limited = ["bash", "-c", `ulimit -n 64 && exec "$@"`, "bash", ...program, "serve"];
    const args = [asked, "--drain", "1s", ...scheme === "tls" ? own : [], ...faults];
    await using server = await startServer(args, limited);
    const endpoint = parseEndpoint(server.endpoints[0] ?? "");
    assert(endpoint !== undefined);
    const dial = (): Promise<Deno.Conn> =>
      "port" in endpoint
        ? dialPort(endpoint.port)
        : Deno.connect({ transport: "unix", path: endpoint.path });
    // Idle ones first take all files that the server may have.
    const idle = await Promise.all(Array.from({ length: 100 }, dial));
    await until(
      () => descriptorsOf(server.process.pid) >= 64,
      "the server has as many files open as it may",
    );
    for (const conn of idle) conn.close();
    await Promise.all(Array.from({ length: 200 }, async () => {
      using stream = await open({ endpoint });
      const message = random(1000);
      assertEquals(await exchange(stream, message), message);
    }));
    // A signal ends it without descriptors as well.
    const others = await Promise.all(Array.from({ length: 100 }, dial));
    await until(() => descriptorsOf(server.process.pid) >= 64, "it has none left again");
    server.process.kill("SIGTERM");
    assert(await timed(() => server.process.status) < PATIENT, "it does not end");
    assertEquals((await server.process.status).code, 0);
    for (const conn of others) conn.close();
    const warnings = (await server.log).match(
      /cannot accept connections for now .*too many open files/g,
    );
    // Deno 2.9 does not report it for listeners of connections that can be reset.
    assertEquals(warnings?.length, faults.length > 0 ? undefined : 1);
  });
});

Deno.test("--max-connections also bounds connections that can be reset", onLinux, async () => {
  const metrics = freePort();
  const words = ["--max-connections", "2", "--fault", "reset-after=1m", "--metrics", `${metrics}`];
  await using server = await startServer(["127.0.0.1:0", ...words]);
  const used = () => descriptorsOf(server.process.pid);
  // Its event loop has polled the listener by the time of the answer.
  const ask = async () => await (await fetch(`http://127.0.0.1:${metrics}/healthz`)).text();
  await ask();
  const before = used();
  const conns: Deno.Conn[] = [];
  for (let i = 0; i < 9; i++) {
    conns.push(await dialPort(server.port));
    await ask();
  }
  // Deno takes one more, which waits.
  await until(() => used() <= before + 3, "the others wait in the kernel");
  for (const conn of conns) conn.close();
});
