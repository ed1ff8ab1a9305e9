/** `yodel load --merge`: what several loads found, as one. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { LoadResult } from "../client.ts";
import { type LoadSettings, planLoad } from "../client/load/plan.ts";
import { emptyLoadResult } from "../client/load/result.ts";
import config from "../deno.json" with { type: "json" };
import { failedLoadJson, loadJson } from "../report/load_json.ts";
import { reportOf } from "./loads.ts";
import { onUnix, until } from "./machine.ts";
import { runHere } from "./in_process.ts";
import { interrupt, shell, yodel } from "./program.ts";
import { folder, startAnswering } from "./servers.ts";
import { formatEndpoint } from "../server.ts";

const STARTED = Date.UTC(2026, 0, 2, 3, 4, 5);

/** What a load of 10 seconds is to have found, with these latencies in milliseconds. */
async function found(
  latencies: readonly number[],
  settings: LoadSettings = {},
  server = "localhost:2222",
): Promise<LoadResult> {
  const result = await emptyLoadResult(planLoad(server, settings));
  result.started = new Date(STARTED);
  result.elapsed = 10_000;
  result.messages.sent = result.messages.right = latencies.length;
  result.bytes.sent = result.bytes.received = latencies.length * 64;
  result.connections = 50;
  for (const latency of latencies) result.latencies.record(latency);
  for (let i = 1; i <= 50; i++) result.connects.record(i);
  return result;
}

let files = 0;

/** Writes lines to a file, and returns its name. */
async function write(...lines: readonly (string | LoadResult)[]): Promise<string> {
  const texts = lines.map(async (line) =>
    typeof line === "string" ? line : JSON.stringify(await loadJson(line, config.version))
  );
  const file = `${folder}/${++files}.json`;
  await Deno.writeTextFile(file, (await Promise.all(texts)).join("\n") + "\n");
  return file;
}

const merge = (...files: string[]) => runHere(["load", "--json", "--merge", ...files]);

const FAST = Array.from({ length: 900 }, (_, i) => 1 + i / 1000);
const SLOW = Array.from({ length: 100 }, (_, i) => 100 + i);

Deno.test("percentiles are those of all messages, counts and rates are sums", async () => {
  const all = await write(await found([...FAST, ...SLOW]));
  const parts = [await write(await found(FAST)), await write(await found(SLOW))];
  const one = reportOf(await merge(all));
  const result = await merge(...parts);
  assertEquals([result.code, result.stderr], [0, ""]);
  const merged = reportOf(result);
  assertEquals(merged.latency, one.latency);
  assertEquals([merged.messages, merged.messages_per_s], [one.messages, one.messages_per_s]);
  const figures = [merged.messages.right, merged.messages_per_s, merged.elapsed_ms];
  assertEquals(figures, [1000, 100, 10_000]);
  assertEquals([merged.connections_opened, merged.settings.connections], [100, 100]);
  assertEquals(reportOf(await merge(await write(result.stdout.trim()))), merged);
});

Deno.test("a file may have a result on each line; text and limits are for the sum", async () => {
  const file = await write(await found(FAST, { rate: 50 }), await found(SLOW, { rate: 70 }));
  const words = ["load", "--merge", file, "--at-least", "rate=100", "--at-most"];
  const good = await runHere([...words, "p90=2ms"]);
  assertEquals([good.code, good.stderr], [0, ""]);
  assertMatch(good.stdout, /^tcp:\/\/localhost:2222: 100 connections, 64-byte messages\n/);
  assertMatch(good.stdout, /^rate +120 messages\/s asked for$/m);
  assertMatch(good.stdout, /^messages +1,000 came back right\nthroughput +100 messages\/s/m);
  assertMatch(good.stdout, /^p50 +1\.50 ms\n(.*\n)+p99 +189 ms\n/m);
  const slow = await runHere([...words, "p99=2ms", "--at-least", "rate=101"]);
  assertEquals([slow.code, slow.stdout], [1, good.stdout]);
  assertMatch(
    slow.stderr,
    /--at-most p99=2ms: it was 189 ms.*\n.*--at-least rate=101: it was 100\/s/,
  );
});

Deno.test("errors of any load are printed, and make the status 1", async () => {
  const bad = await found(SLOW);
  bad.errors.corrupted = 1;
  bad.errors.connect = 1;
  bad.messages.failed = 1;
  bad.messages.sent++;
  bad.examples.push(
    "connect: connection 2: connection refused",
    "corrupted: connection 1: the byte: at offset 1 is another",
  );
  const files = [await write(await found(FAST)), await write(bad)];
  const { code, stdout, stderr } = await runHere(["load", "--merge", ...files]);
  assertEquals([code, stderr], [1, ""]);
  assertMatch(
    stdout,
    /^errors +1 connect, 1 corrupted\n +connect: connection 2: connection refused\n/m,
  );
  assertMatch(stdout, /corrupted: connection 1: the byte: at offset 1 is another\n/);
  assertMatch(stdout, /^messages +1,000 came back right, 1 did not$/m);
  bad.errors.corrupted = 0;
  const parts = [await write(await found(FAST)), await write(bad)];
  const allowed = await runHere(["load", "--at-most", "loss=0.1%", "--merge", ...parts]);
  assertEquals([allowed.code, allowed.stderr], [0, ""]);
});

Deno.test("loads that do not fit together are one line, with status 2", async () => {
  const first = await write(await found(FAST));
  const json = await Deno.readTextFile(first);
  const later = await found(SLOW);
  later.started = new Date(STARTED + 10_001);
  const refused = failedLoadJson(planLoad("localhost:1"), config.version, "connection refused");
  const size = await found(SLOW, { size: 128 });
  const noResult = "it is not from yodel load --json";
  const ways: [string, ...(string | LoadResult)[]][] = [
    [`its --size is 128, but 64 in ${first}, line 1`, size],
    [`its --rate is set, but not set in ${first}`, await found(SLOW, { rate: 5 })],
    ["its endpoint is tcp://localhost:1, but tcp://", await found(SLOW, {}, "localhost:1")],
    [`it did not run at the same time as ${first}, line 1, so their rates cannot be added`, later],
    ["this load failed: connection refused", JSON.stringify(refused)],
    [`, line 1: ${noResult}`, ""],
    [`, line 1: ${noResult}`, "null"],
    [`, line 1: ${noResult}`, "{}"],
    [`, line 2: ${noResult}`, await found(SLOW), "a line of stderr"],
    [`, line 1: ${noResult}`, json.slice(0, 500), json],
    [noResult, json.replace('"sent":', '"send":')],
    [noResult, json.replace('"error_examples":[]', '"x":0')],
    ["endpoint", json.replace(/"p99_ms":/, '"p99_s":').replace("2222", "x".repeat(1000))],
    ["it did not run at the same time", json.replace(/"started":"[^"]*"/, '"started":"now"')],
    ["it has a broken histogram", json.replace(/(HISTF[^"]{40})[^"]*/, "$1")],
  ];
  const files: [string, string][] = [
    [`cannot read ${folder}/none.json: no such file or directory`, `${folder}/none.json`],
  ];
  for (const [message, ...lines] of ways) files.push([message, await write(...lines)]);
  for (const [message, file] of files) {
    const { code, stdout, stderr } = await merge(first, file);
    assertEquals([code, stdout], [2, ""], message);
    assertMatch(stderr, /^yodel: --merge: [^\n]{1,300}\n$/);
    assert(stderr.includes(message), `${stderr} is not ${message}`);
  }
});

Deno.test("results may be in any JSON: indented, in another order, with more in them", async () => {
  const parts = [await found(FAST), await found(SLOW)];
  const expected = await merge(await write(...parts));
  const [fast, slow] = await Promise.all(parts.map((part) => loadJson(part, "1.2.3")));
  const reversed = (json: object) => Object.fromEntries(Object.entries(json).toReversed());
  const texts = [
    `\uFEFF${JSON.stringify(fast, null, 2)}\n${JSON.stringify(slow, null, "\t")}`,
    `\n\n${JSON.stringify(fast)}\r\n\r\n${JSON.stringify(slow, null, 4).replaceAll("\n", "\r\n")}`,
    JSON.stringify({ host: { a: [] }, ...reversed(fast ?? {}) }) + "\n" +
    JSON.stringify({ ...reversed(slow ?? {}), settings: { more: 1, ...slow?.settings } }),
  ];
  for (const text of texts) {
    assertEquals(await merge(await write(text)), expected, text);
  }
});

Deno.test("--merge - reads stdin, and ends at the first line that is no result", async () => {
  const line = JSON.stringify(await loadJson(await found(FAST), "1.2.3"));
  const result = await yodel(["load", "--merge", "-", "--json"], line);
  assertEquals([result.code, reportOf(result).messages.right], [0, 900]);
  // It has no end, so that only the first line can end it.
  const { stdout, stderr } = await shell("yes no | yodel load --merge -; echo $?");
  const wrong = "stdin, line 1: it is not from yodel load --json";
  assertEquals([stdout, stderr], ["2\n", `yodel: --merge: ${wrong}\n`]);
});

Deno.test("loads without a single answer are status 1 together as well", async () => {
  const silent = await found([]);
  silent.messages.sent = silent.messages.waiting = 2;
  assertEquals((await runHere(["load", "--merge", await write(silent)])).code, 1);
});

Deno.test("loads of several processes are added up", onUnix, async () => {
  await using server = startAnswering(64, (message) => [message]);
  const words = ["load", formatEndpoint(server.endpoint), "-c2", "--json"];
  let isDone = false;
  const running = interrupt([...words, "-n1m", "--workers=2"], () => isDone);
  await until(() => server.got.messages > 0, "the first one has begun");
  const short = await runHere([...words, "-n20"]).finally(() => isDone = true);
  const long = await running;
  const files = [await write(short.stdout.trim()), await write(long.stdout.trim())];
  const { code, stdout, stderr } = await merge(...files);
  assertEquals([short.code, code, stderr], [0, 0, ""]);
  const { messages, latency, settings } = reportOf({ stdout });
  const { right, sent, waiting } = reportOf(long).messages;
  assertEquals(messages, { sent: sent + 20, right: right + 20, failed: 0, waiting, missed: 0 });
  assertEquals([latency?.count, settings.connections, settings.workers], [right + 20, 4, 3]);
});
