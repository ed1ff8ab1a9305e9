/** What a load is to do: defaults and rules, the same for the library and the command line. */
import { assertEquals, assertRejects } from "@std/assert";
import { load, type LoadOptions, YodelError } from "../client.ts";
import { planLoad, planWorkers } from "../client/load/plan.ts";

Deno.test("what is not given has defaults, which depend on the rest", () => {
  const { endpoint, ...settings } = planLoad("localhost:2222", { connections: undefined });
  assertEquals(endpoint, { scheme: "tcp", host: "localhost", port: 2222 });
  assertEquals(settings, {
    connections: 50,
    duration: 10_000,
    messages: 0,
    size: 64,
    pipeline: 1,
    rate: 0,
    warmUp: 0,
    reconnect: false,
    workers: 1,
    timeout: 5000,
  });
  const durations = [{ messages: 10 }, { messages: 10, duration: 500 }, { duration: 0 }]
    .map((options) => planLoad(":1", options).duration);
  assertEquals(durations, [0, 500, 0]);
  const timeouts = [undefined, 0, 300].map((timeout) => planLoad("udp://:1", { timeout }).timeout);
  assertEquals(timeouts, [1000, 0, 300]);
});

for (
  const [endpoint, options, message] of [
    ["nowhere at all", {}, 'endpoint "nowhere at all": expected [tcp://|tls://|udp://]'],
    [":1", { connections: 0 }, "connections: expected a whole number of at least 1, not 0"],
    [":1", { workers: 1.5 }, "workers: expected a whole number of at least 1, not 1.5"],
    [":1", { pipeline: NaN }, "pipeline: expected a whole number of at least 1, not NaN"],
    [":1", { messages: -1 }, "messages: expected a whole number of at least 0, not -1"],
    [":1", { rate: -0.5 }, "rate: expected a number of at least 0, not -0.5"],
    [":1", { timeout: Infinity }, "timeout: expected a number of at least 0, not Infinity"],
    ["udp://:1", { reconnect: true }, "reconnect: udp:// has no connections"],
    ["udp://:1", { size: 65_508 }, "size: a datagram holds at most 65507 bytes, not 65508"],
    [
      ":1",
      { reconnect: true, pipeline: 2 },
      "pipeline: must be 1 with a connection for each message",
    ],
  ] as readonly [string, LoadOptions, string][]
) {
  Deno.test(`a load that makes no sense is refused: ${message}`, async () => {
    await assertRejects(() => load(endpoint, options), YodelError, message);
  });
}

Deno.test("threads share connections, messages and the rate, and none has no connection", () => {
  const plan = planLoad(":1", { connections: 5, messages: 7, workers: 2, rate: 100 });
  const parts = planWorkers(plan, {}).map((part) => [
    [part.connections, part.firstConnection, part.connectionStep],
    [part.messages, part.interval, part.delay],
  ]);
  assertEquals(parts, [[[3, 1, 2], [4, 20, 0]], [[2, 2, 2], [3, 20, 10]]]);
  const few = planLoad(":1", { messages: 3, reconnect: true, workers: 8 });
  assertEquals(planWorkers(few, {}).map(({ connections }) => connections), [1, 1, 1]);
});
