/** The library: its documentation, and what it does with options and results. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { connect, load, OptionError, ping } from "../client.ts";
import { startLocal } from "./local.ts";
import { packages, root, run } from "./program.ts";

Deno.test("the examples in the documentation of the library pass the type check", async () => {
  const modules = ["server.ts", "client.ts"].map((file) => root + file);
  const { code, stderr } = await run(
    [Deno.execPath(), "check", "--quiet", "--doc", ...packages, ...modules],
  );
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
});

const nothing = { read: () => Promise.resolve(null) };
const nowhere = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };
const streams = { input: nothing, output: nowhere };

Deno.test("a client takes a server as a text", async () => {
  await using server = await startLocal();
  const text = `127.0.0.1:${server.port}`;
  assertEquals(await connect(text, streams), { sent: 0, received: 0 });
  const pinged = await ping(text, { count: 1 });
  assertEquals([pinged.endpoint, pinged.sent, pinged.right], [server.endpoint, 1, 1]);
  const loaded = await load(text, { messages: 10, connections: 2 });
  assertEquals([loaded.plan.endpoint, loaded.messages.right], [server.endpoint, 10]);
});

for (
  const [complaint, run] of [
    ["endpoint: expected a port from 1 to 65535, not 0", () => connect("localhost:0", streams)],
    [
      "idleTimeout: udp:// has no connection that could be idle",
      () => connect("udp://:1", { ...streams, idleTimeout: 5 }),
    ],
    [
      "datagramSize: expected a udp:// endpoint with it",
      () => connect(":1", { ...streams, datagramSize: 5 }),
    ],
    [
      "datagramSize: 65507 bytes at most, not 65508",
      () => connect("udp://:1", { ...streams, datagramSize: 65_508 }),
    ],
    ["size: expected a whole number from 1 on, not 0", () => ping(":1", { size: 0 })],
    ["interval: expected a number from 0 on, not -1", () => ping(":1", { interval: -1 })],
    [
      "reconnect: udp:// has no connection to open",
      () => ping("udp://:1", { reconnect: true }),
    ],
  ] as const
) {
  Deno.test(`options that make no sense are refused: ${complaint}`, async () => {
    await assertRejects(run, OptionError, complaint);
  });
}

Deno.test("console.log shows the figures of latencies", async () => {
  await using server = await startLocal();
  const { latencies } = await ping(server.endpoint, { count: 2, interval: 1 });
  assertStringIncludes(Deno.inspect(latencies), "count: 2,");
  assertStringIncludes(Deno.inspect(latencies), "p99: ");
});
