/** The library: its documentation, options and results. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connect, load, ping } from "../client.ts";
import { EndpointError, formatEndpoint, parseEndpoint, serve, YodelError } from "../server.ts";
import { inputOf, nowhere } from "./faulty.ts";
import { dialPort, exchange, portOf, random, startLocal } from "./local.ts";
import { packages, root, run } from "./program.ts";
import { deserted } from "./servers.ts";

Deno.test("the examples of docs/library.md run", async () => {
  const { code, stdout, stderr } = await run(
    [Deno.execPath(), "test", "--doc", "--no-check", "--allow-all", ...packages]
      .concat(`${root}docs/library.md`),
  );
  assertEquals(code, 0, stdout + stderr);
  assertMatch(stdout, /ok \| 4 passed \| 0 failed/);
});

Deno.test("all that the modules export is documented, with all the types that it needs", async () => {
  const doors = ["main.ts", "server.ts", "client.ts"].map((door) => root + door);
  const command = [Deno.execPath(), "doc", "--quiet", "--lint", ...packages, ...doors];
  const { code, stderr } = await run(command);
  assertEquals([code, stderr.match(/^error.*\n.*/gm)], [0, null]);
});

Deno.test("serve takes endpoints as text, one or several, and can be stopped again", async () => {
  await using one = await serve("127.0.0.1:0");
  const any = { scheme: "tcp", host: "127.0.0.1", port: 0 } as const;
  await using two = await serve(["tcp://127.0.0.1:0", any]);
  assertEquals([one, two].map(({ endpoints }) => endpoints.length), [1, 2]);
  for (const endpoint of [...one.endpoints, ...two.endpoints]) {
    using conn = await dialPort(portOf(endpoint));
    const sent = random(100);
    assertEquals(await exchange(conn, sent), sent);
  }
  await assertRejects(() => serve("127.0.0.1"), YodelError, 'endpoint "127.0.0.1": no port');
  const [taken = ""] = one.endpoints.map(formatEndpoint);
  await assertRejects(() => serve(["127.0.0.1:0", taken]), EndpointError, "address in use");
  await Promise.all([one.stop(), one.stop(), one.finished]);
  await one.stop();
});

const streams = { input: inputOf(""), output: nowhere };

Deno.test("a client takes a server as a text", async () => {
  await using server = await startLocal();
  const text = `127.0.0.1:${server.port}`;
  assertEquals(await connect(text, streams), { sent: 0, received: 0 });
  const pinged = await ping(text, { count: 1 });
  assertEquals([pinged.endpoint, pinged.sent, pinged.right], [server.endpoint, 1, 1]);
  const loaded = await load(text, { messages: 10, connections: 2 });
  assertEquals([loaded.plan.endpoint, loaded.messages.right], [server.endpoint, 10]);
});

Deno.test("unknown options and impossible values are refused", async () => {
  for (
    const [message, make] of [
      [
        'endpoint "localhost:0": expected [tcp://|tls://|udp://]',
        () => connect("localhost:0", streams),
      ],
      [
        "idleTimeout: udp:// has no connections",
        () => connect("udp://:1", { ...streams, idleTimeout: 5 }),
      ],
      [
        "timout: unknown option; did you mean timeout?",
        () => connect(":1", { ...streams, ...{ timout: 5 } }),
      ],
      [
        "counts: unknown option; did you mean count?",
        () => ping(":1", { count: 1, ...{ counts: 5 } }),
      ],
      [
        "connection: unknown option; did you mean connections?",
        () => load(":1", { messages: 1, ...{ connection: 5 } }),
      ],
      [
        "fault: unknown option; did you mean faults?",
        () => serve(":0", { drain: 1, ...{ fault: [] } }),
      ],
      ["size: expected a whole number of at least 1, not 0", () => ping(":1", { size: 0 })],
      ["interval: expected a number of at least 0, not -1", () => ping(":1", { interval: -1 })],
      ["reconnect: udp:// has no connections", () => ping("udp://:1", { reconnect: true })],
    ] as const
  ) await assertRejects(make, YodelError, message);
});

Deno.test("an endpoint is its text as a string, and equals one without", async () => {
  const { port } = deserted();
  const text = `tcp://127.0.0.1:${port}`;
  await using server = await serve(text);
  assertEquals(server.endpoints.map(String), [text]);
  assertEquals(String(parseEndpoint("unix:/tmp/x")), "unix:/tmp/x");
  assertEquals(server.endpoints, [{ scheme: "tcp", host: "127.0.0.1", port }]);
});

Deno.test("where nothing listens load throws, and ping says why it could send nothing", async () => {
  const endpoint = deserted();
  await assertRejects(() => load(endpoint, { duration: 100 }), EndpointError, "connection refused");
  const { unsent, lastError } = await ping(endpoint, { count: 1 });
  assertEquals([unsent, lastError], [1, "connection refused"]);
});
