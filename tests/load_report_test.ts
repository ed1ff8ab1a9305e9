/** The load command: the figures of each second, and what it prints. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { EndpointError, load, type LoadInterval, type LoadProgress } from "../client.ts";
import { planLoad } from "../client/load/plan.ts";
import { Recorder } from "../client/load/recorder.ts";
import { addProgress, emptyLoadResult, wholeIntervals } from "../client/load/result.ts";
import { loadJson } from "../report/load_json.ts";
import { loadText, progressText } from "../report/load_text.ts";
import { formatEndpoint } from "../server.ts";
import { finish, plain, reportOf, validate } from "./loads.ts";
import { startLocal } from "./local.ts";
import { inEach, linux, PATIENT, unix } from "./machine.ts";
import { runHere } from "./in_process.ts";
import { available, interrupt, program, run } from "./program.ts";
import { type Answer, ca, deserted, startAnswering, startEcho } from "./servers.ts";

Deno.test("--json is one object that its schema describes, also of datagrams and of threads", async () => {
  const ways = [["tcp", { workers: 2 }], ["udp", {}], ["tls", { reconnect: true }]] as const;
  await inEach(ways, async ([scheme, way]) => {
    await using server = await startEcho(scheme);
    const options = { connections: 2, messages: 20, warmUp: 50, timeout: PATIENT, tls: { ca } };
    const result = await loadJson(await load(server.endpoint, { ...options, ...way }), "1.2.3");
    const report = reportOf({ stdout: JSON.stringify(result) + "\n" });
    const { error, messages, errors, latency } = report;
    assertEquals([report.endpoint, error], [formatEndpoint(server.endpoint), null]);
    assertEquals(messages, { sent: 20, right: 20, failed: 0, waiting: 0, missed: 0 });
    assertEquals([errors.total, latency?.count], [0, 20]);
    assertEquals(report.connections_opened, server.logged("opened").length);
  });
});

/** Values that differ from a JSON value in one place: less, more, or of another type. */
function* spoiled(value: unknown): Generator<unknown> {
  yield { wrong: true };
  if (Array.isArray(value)) {
    // Its items are alike.
    for (const item of spoiled(value[0])) yield [item, ...value.slice(1)];
  } else if (typeof value === "object" && value !== null) {
    yield { ...value, more: 1 };
    for (const [name, part] of Object.entries(value)) {
      yield Object.fromEntries(Object.entries(value).filter(([other]) => other !== name));
      for (const other of spoiled(part)) yield { ...value, [name]: other };
    }
  }
}

Deno.test("errors are in --json, with status 1; and its schema takes nothing else for it", async () => {
  await using server = startAnswering(
    64,
    (message, number) => number === 10 ? [message.with(3, (message[3] ?? 0) ^ 1)] : [message],
  );
  const name = formatEndpoint(server.endpoint);
  const result = await runHere(["load", name, "-c1", "-n20", "--json"]);
  assertEquals([result.code, result.stderr], [1, ""]);
  const report = reportOf(result);
  const { messages, errors, error_examples: [example, ...more] } = report;
  assertEquals([messages.right, messages.failed, errors.total, errors.corrupted], [19, 1, 1, 1]);
  assertEquals([plain(example), ...more], [
    "corrupted: connection 1: differs at byte 579: expected 0xNN, got 0xNN",
  ]);
  let count = 0;
  for (const other of spoiled(report)) {
    count++;
    assert(!validate(other), `the schema takes ${JSON.stringify(other)}`);
  }
  assert(count > 100, `${count} spoiled ones`);
});

Deno.test("a refused connection is status 2 and a line on stderr, and JSON stays JSON", async () => {
  const name = formatEndpoint(deserted());
  const line = `cannot connect to ${name}: connection refused`;
  for (const flags of [[], ["--json", "--workers=2"]]) {
    const result = await runHere(["load", name, ...flags]);
    const advice = "is the server running? --wait 30s waits for it";
    assertEquals([result.code, result.stderr], [2, `yodel: ${line}; ${advice}\n`]);
    if (flags.length === 0) assertEquals(result.stdout, "");
    else assertEquals(reportOf(result).error, line);
  }
  await assertRejects(() => load(name, { reconnect: true }), EndpointError, line);
});

for (
  const [when, status, flags, answer, messages, connections] of [
    ["all came back right", 0, [], (message) => [message], 100, 2],
    ["all came back right, to several threads", 0, ["--workers=2"], (message) => [message], 100, 2],
    ["connections come and go", 0, ["--reconnect"], (message) => [message], 100, 100],
    // The third connection replaces one that went wrong.
    ["an answer was corrupted", 1, [], (message) => [message.map((byte) => byte ^ 1)], 3, 3],
    ["nothing came back", 130, [], () => [], 2, 2],
  ] as readonly [string, number, readonly string[], Answer, number, number][]
) {
  Deno.test(`Ctrl-C ends it with what was found so far; when ${when}, with status ${status}`, {
    ignore: !unix,
  }, async () => {
    await using server = startAnswering(64, answer);
    const { got } = server;
    const words = ["load", formatEndpoint(server.endpoint), "-c2", ...flags, "-d0", "--json"];
    const isEnough = () => got.messages >= messages && got.connections >= connections;
    const result = await interrupt(words, isEnough);
    assertEquals([result.code, result.stderr], [status, ""], result.stdout);
    const { sent, right, failed, waiting } = reportOf(result).messages;
    assertEquals([right + failed + waiting, right > 0], [sent, status === 0], result.stdout);
  });
}

Deno.test("the summary says in words what was asked for and what was found", async () => {
  await using server = await startEcho();
  const [name = ""] = server.words;
  // Longer than the progress waits to be shown, were there a terminal.
  const { code, stdout, stderr } = await runHere(
    ["load", name, "-c3", "-n300", "--pipeline=2", "-r1000", "-s1k"],
  );
  assertEquals([code, stderr], [0, ""]);
  const time = "\\d+(\\.\\d+)? (µs|ms|s)";
  const count = "[\\d,]+";
  const lines = [
    `${name}: 3 connections, 2 messages under way on each, 1,024-byte messages`,
    "",
    `messages    ${count} came back right`,
    `throughput  ${count} messages/s, [\\d.]+ [kM]B/s each way, for [\\d.]+ m?s`,
    "rate        1,000 messages/s asked for.*",
    `connecting  3 opened, p50 ${time}, p99 ${time}, max ${time}`,
    "errors      none",
    "",
    ...["min", "mean", "p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "max"]
      .map((name) => `${name.padEnd(7)} *${time}`),
  ];
  assertMatch(stdout, new RegExp(`^${lines.join("\n")}\n$`));
});

Deno.test("nothing is on stderr of a load that is over before all could send", async () => {
  await using server = await startEcho();
  const { code, stderr } = await runHere(["load", ...server.words, "-c200", "-d1ms"]);
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("the progress of a load is one line", () => {
  const plan = planLoad(":1", { connections: 3, duration: 3000, messages: 2000, size: 1000 });
  const before = addProgress();
  const opening = { ...before, connections: 2 };
  assertEquals(
    progressText({ ...plan, messages: 0 }, opening, before),
    "2 of 3 connections open, 3 s left, 0.00 messages/s, 0 errors",
  );
  const messages = { ...before.messages, right: 1500 };
  const now = { ...opening, messages, elapsed: 2500 };
  assertEquals(
    progressText(plan, now, { ...now, messages: { ...messages, right: 1400 }, elapsed: 2300 }),
    "1 s left, 1,500 of 2,000 messages, 500 messages/s, 0 errors",
  );
});

Deno.test("on a terminal the progress fits a line and is gone at the end, and errors are wrapped", {
  ignore: !available("script") || !linux,
}, async () => {
  await using server = startAnswering(
    64,
    (message, number) => [number === 10 ? message.with(7, (message[7] ?? 0) ^ 1) : message],
  );
  const name = formatEndpoint(server.endpoint);
  const words = `stty cols 40; ${[...program, "load", name].join(" ")} -c3 -n300`;
  const screen = await run(["script", "--quiet", "--return", "--command", words, "/dev/null"]);
  const shown = JSON.stringify(screen.stdout);
  assertEquals(screen.code, 1, shown);
  // Each is written over the one before, the summary over the last one.
  const [summary = "", ...lines] = screen.stdout.split("\r\x1b[2K").toReversed();
  assert(lines.some((line) => line.startsWith("299 of 300 messages, ")), shown);
  assertEquals(lines.filter((line) => line.length >= 40 || line.includes("\n")), []);
  const text = summary.replace(/\s+/g, " ");
  assert(text.startsWith(`${name}: 3 connections, 64-byte messages`), shown);
  // No colours either, since the tests are run with NO_COLOR.
  assert(!summary.includes("\x1b"), shown);
  assert(summary.split("\r\n").every((line) => line.length <= 40), shown);
  const wrong = /corrupted: connection \d: differs at byte \d+: expected 0xNN, got 0xNN/;
  assertMatch(plain(text), wrong);
});

Deno.test("each second has its messages, errors and longest latency, and the last one the rest", async () => {
  const plan = planLoad(":1");
  const recorder = new Recorder(await emptyLoadResult(plan), await emptyLoadResult(plan));
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
