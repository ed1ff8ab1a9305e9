/** Promises of docs/development.md that no other test holds. */
import { assert, assertEquals } from "@std/assert";
import { parseEndpoint } from "../server.ts";
import { open, STREAMS } from "./faulty.ts";
import { dialPort, exchange, inEach, linux, random, until } from "./local.ts";
import { program, startServer } from "./program.ts";
import { cert, folder, key } from "./servers.ts";

Deno.test("200 clients share a server that may open 64 files, over every transport", {
  ignore: !linux,
}, async () => {
  await Deno.writeTextFile(`${folder}/short.pem`, cert);
  await Deno.writeTextFile(`${folder}/short.key`, key);
  const own = ["--cert", `${folder}/short.pem`, "--key", `${folder}/short.key`];
  await inEach(STREAMS, async (scheme) => {
    const asked = scheme === "unix" ? `unix:${folder}/short.sock` : `${scheme}://127.0.0.1:0`;
    await using server = await startServer([asked, ...scheme === "tls" ? own : []], [
      "bash",
      "-c",
      `ulimit -n 64 && exec "$@"`,
      "bash",
      ...program,
      "serve",
    ]);
    const endpoint = parseEndpoint(server.endpoints[0] ?? "");
    assert(endpoint !== undefined);
    // Idle ones first take all files that the server may have.
    const idle = await Promise.all(
      Array.from(
        { length: 100 },
        () =>
          "port" in endpoint
            ? dialPort(endpoint.port)
            : Deno.connect({ transport: "unix", path: endpoint.path }),
      ),
    );
    const used = () => [...Deno.readDirSync(`/proc/${server.process.pid}/fd`)].length;
    await until(() => used() >= 64, "the server has as many files open as it may");
    for (const conn of idle) conn.close();
    await Promise.all(Array.from({ length: 200 }, async () => {
      using stream = await open({ endpoint });
      const message = random(1000);
      assertEquals(await exchange(stream, message), message);
    }));
    server.process.kill("SIGTERM");
    assertEquals((await server.process.status).code, 0);
    assertEquals(
      (await server.log).match(/cannot accept for now .*too many open files/g)?.length,
      1,
    );
  });
});

Deno.test("a server whose log has no room on its disk goes on, and ends with status 0", {
  ignore: !linux,
}, async () => {
  await using server = await startServer(["127.0.0.1:0"], [
    "bash",
    "-c",
    `exec "$@" 2>/dev/full`,
    "bash",
    ...program,
    "serve",
  ]);
  const endpoint = parseEndpoint(server.endpoints[0] ?? "");
  assert(endpoint !== undefined);
  for (let i = 0; i < 3; i++) {
    using stream = await open({ endpoint });
    const message = random(1000);
    assertEquals(await exchange(stream, message), message);
  }
  server.process.kill("SIGTERM");
  assertEquals((await server.process.status).code, 0);
});
