/** The seconds of a load. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { LoadProgress } from "../client.ts";
import { addIntervals, Intervals } from "../client/load/intervals.ts";
import { planLoad } from "../client/load/plan.ts";
import { Recorder } from "../client/load/recorder.ts";
import { addProgress, emptyLoadResult, wholeIntervals } from "../client/load/result.ts";
import { loadText } from "../report/load_text.ts";
import { finish } from "./loads.ts";
import { startLocal } from "./local.ts";
import { inEach } from "./machine.ts";
import { runHere } from "./in_process.ts";
import { formatEndpoint } from "../server.ts";
import { startAnswering } from "./servers.ts";

Deno.test("each second has its messages, errors and longest latency, and the rest is added to the last", () => {
  const seconds = new Intervals(10);
  seconds.failed(5);
  seconds.answered(20, 1);
  seconds.answered(30, 3);
  seconds.answered(40, 2);
  seconds.failed(1009);
  seconds.answered(3015, 10);
  assertEquals(seconds.until(3050), [
    { elapsed: 1000, messages: 3, errors: 1, max: 3 },
    { elapsed: 1000, messages: 0, errors: 0, max: 0 },
    { elapsed: 1000, messages: 0, errors: 0, max: 0 },
    { elapsed: 40, messages: 1, errors: 0, max: 10 },
  ]);
  assertEquals(addIntervals([seconds.until(3050)]).slice(2), [
    { elapsed: 1040, messages: 1, errors: 0, max: 10 },
  ]);
});

Deno.test("only errors count after the end, and a warm-up has no seconds", () => {
  const seconds = new Intervals(0);
  seconds.answered(500, 1);
  seconds.answered(1300, 1);
  seconds.failed(3500);
  const found = (end: number, all = seconds) =>
    all.until(end).map(({ elapsed, messages, errors }) => [elapsed, messages, errors]);
  assertEquals(found(1500), [[1000, 1, 0], [500, 1, 1]]);
  assertEquals(found(950), [[950, 2, 1]]);
  const done = new Intervals(0);
  const together = addIntervals([seconds.until(1500), done.until(1050)]);
  assertEquals(together, [{ elapsed: 1500, messages: 2, errors: 1, max: 1 }]);
  const warming = new Intervals(9000);
  assertEquals(found(1500, warming), [[0, 0, 0]]);
});

Deno.test("the seconds add up to the whole, on one thread and on several", async () => {
  await using server = await startLocal({ faults: ["delay=20ms"] });
  await inEach([{}, { workers: 2 }, { rate: 100 }], async (way) => {
    let last = addProgress();
    const onProgress = (now: LoadProgress) => void (last = now);
    const options = { connections: 4, duration: 2600, onProgress, ...way };
    const { intervals, messages, elapsed, latencies } = await finish(server.endpoint, options);
    // The last answers may come later, on a slow machine.
    const whole = Math.floor(elapsed / 1000) - 1;
    const lengths = [...Array.from({ length: whole }, () => 1000), elapsed - 1000 * whole];
    assert(whole >= 1, `${elapsed} ms`);
    assertEquals(intervals.map((interval) => interval.elapsed), lengths);
    assertEquals(intervals.reduce((sum, { messages }) => sum + messages, 0), messages.right);
    assertEquals(Math.max(...intervals.map(({ max }) => max)), latencies.max);
    assertEquals(last.messages.right, messages.right);
  });
});

Deno.test("-n opens no more connections than it has messages", async () => {
  await using server = startAnswering(64, (message) => [message]);
  const result = await finish(server.endpoint, { connections: 50, messages: 3 });
  assertEquals([result.messages.right, server.got.connections], [3, 3]);
});

Deno.test("without a timeout a silent server ends the load a second after its time, with status 1", async () => {
  await using server = startAnswering(64, () => []);
  const start = performance.now();
  const words = ["load", formatEndpoint(server.endpoint), "-c3", "-d500ms", "--timeout", "0"];
  const { code, stdout } = await runHere(words);
  const elapsed = performance.now() - start;
  assert(elapsed > 1500, `${elapsed} ms`);
  assertEquals(code, 1);
  assertMatch(stdout, /\nmessages +0 came back right, 3 under way at the end\n/);
  assertMatch(stdout, /\nerrors +none\n/);
});

Deno.test("a server that died in the middle shows in the line over time, and in the first line", async () => {
  const result = await emptyLoadResult(planLoad("localhost:2222", { connections: 1000 }));
  const second = (messages: number, errors = 0) => ({ elapsed: 1000, messages, errors, max: 0 });
  const seconds = [second(100), second(50), second(0, 3), second(0)];
  const none = loadText(result, 80).split("\n").at(-2);
  assertEquals(none, "nothing counted: it ended before the first message");
  result.latencies.record(1);
  const died = {
    ...result,
    address: "127.0.0.1:2222",
    connections: 231,
    elapsed: 4000,
    messages: { ...result.messages, sent: 150, right: 150 },
    errors: { ...result.errors, broken: 3 },
    intervals: seconds,
  };
  const lines = loadText(died, 80).split("\n");
  assertMatch(lines[0] ?? "", /^tcp:\/\/localhost:2222 \(127\.0\.0\.1:2222\): 231 of 1,000 connec/);
  assert(lines.includes("over time   █▄×·  a second each, 0.00 to 100/s"), lines.join("\n"));
  assertEquals(lines.at(-2), "150 messages, 38/s, 3 errors, p50 1.00 ms, p99 1.00 ms");
  // With hours of it each character is some seconds.
  const hours = Array.from({ length: 3000 }, () => second(100));
  assertEquals(lineOf(hours), `over time   ${"█".repeat(30)}  100 s each, 100 to 100/s`);
  assertEquals(lineOf([second(1)]), undefined);
});
