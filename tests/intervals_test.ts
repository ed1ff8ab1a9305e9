/** The seconds of a load. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { LoadInterval, LoadProgress } from "../client.ts";
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

Deno.test("each second has its messages, errors and longest latency, and the last one the rest", async () => {
  const recorder = new Recorder(await emptyLoadResult(planLoad(":1")));
  const { intervals } = recorder.result;
  const start = performance.now() - 1500;
  recorder.error("broken", 1, "in the warm-up");
  recorder.started(start);
  recorder.answered(start, start + 1);
  recorder.answered(start + 10, start + 13);
  recorder.answered(start + 10, start + 12);
  recorder.answered(start + 3005, start + 3015);
  const second = { elapsed: 1000, messages: 0, errors: 0, max: 0 };
  const first = { ...second, messages: 3, max: 3 };
  const last = { ...second, messages: 1, max: 10 };
  const expected = [first, second, second, { ...last, elapsed: 1050 }];
  assertEquals(wholeIntervals(intervals, 4050), expected);
  // Clocks are rounded.
  assertEquals(wholeIntervals(intervals, 3999.5), expected.with(-1, { ...last, elapsed: 999.5 }));
  // Errors after the end belong to the last one.
  recorder.error("broken", 1, "in the second second or later");
  assertEquals(wholeIntervals(intervals, 2050), [first, { ...last, elapsed: 1050, errors: 1 }]);
  assertEquals(wholeIntervals(intervals, 950), [{ elapsed: 950, messages: 4, errors: 1, max: 10 }]);
  assertEquals(wholeIntervals([], 0), [{ ...second, elapsed: 0 }]);
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

Deno.test("a server that died in the middle shows in the line over time", async () => {
  const result = await emptyLoadResult(planLoad("localhost:2222"));
  const second = (messages: number, errors = 0) => ({ elapsed: 1000, messages, errors, max: 0 });
  const lineOf = (intervals: LoadInterval[]) =>
    loadText({ ...result, intervals }).split("\n").find((line) => line.startsWith("over time"));
  assertEquals(
    lineOf([second(100), second(50), second(0, 3), second(0)]),
    "over time   █▄×·  a second each, 0.00 to 100/s",
  );
  // With hours of it each character is some seconds.
  const hours = Array.from({ length: 3000 }, () => second(100));
  assertEquals(lineOf(hours), `over time   ${"█".repeat(30)}  100 s each, 100 to 100/s`);
  assertEquals(lineOf([second(1)]), undefined);
});
