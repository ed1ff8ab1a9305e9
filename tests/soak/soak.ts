/**
 * The soak of docs/development.md, on Linux:
 *
 *     deno task soak [DURATION]
 *
 * It prints a line for each round, and a summary. Ctrl-C ends it after the current round.
 */
import { formatAmount, formatBytes, formatCount } from "../../report/figures.ts";
import { duration } from "../../values/value_types.ts";
import { STREAMS } from "../faulty.ts";
import { descriptorsOf, median, memoryOf, pause } from "../machine.ts";
import * as clients from "./clients.ts";
import { chance, inRound, mistake, stop, tally } from "./clients.ts";
import { atOnce, costOfUnread, oneAfterAnother } from "./crowd.ts";
import { CLIENTS, drainBusy } from "./drain.ts";
import { scrapeFor } from "./scrapers.ts";
import { type LogLine, startWatched, type Watched } from "./watched.ts";

/** How long a round takes, in milliseconds. */
const ROUND = 3500;

/** Clients start within this time, in milliseconds: all at once would keep the event loop busy. */
const SPREAD = 1500;

/** How much more memory a server may hold at the end than after a third of the time, in bytes. */
const GROWTH = 32 * 1024 * 1024;

/** The memory that one client that never reads may take, and all of them together besides, in bytes. */
const COST = { tcp: 128 * 1024, unix: 128 * 1024, tls: 800 * 1024 };
const COST_OF_ALL = 32 * 1024 * 1024;

/** The faults of two servers. One with `reset-after` has no second thread. */
const FAULTS = [
  ["delay=1ms..20ms@5%", "stall=100ms@1%", "chunk=100..5000@10%", "close-after=1k..1m@15%"],
  ["corrupt@5e-6", "lose@1e-4", "repeat@1e-4", "reset-after=1k..1m@15%"],
].map((faults) => faults.flatMap((fault) => ["--fault", fault]));

/** The errors that faults lead to. */
const ANY = ["connect", "broken", "lost", "corrupted", "repeated", "unexpected"] as const;

const time = duration.parse(Deno.args[0] ?? "10m");
if (time === undefined || time === 0 || Deno.args.length > 1) {
  console.error(`soak: expected one argument at most, ${duration.expected}`);
  Deno.exit(2);
}
Deno.addSignalListener("SIGINT", () => stop.abort());
Deno.addSignalListener("SIGTERM", () => stop.abort());
await soak(time);
Deno.exit(tally.mistakes === 0 ? 0 : 1);

async function soak(time: number): Promise<void> {
  const started = performance.now();
  const end = started + time;
  const common = ["--idle-timeout", "30s", "--workers", "2"];
  await using servers = new AsyncDisposableStack();
  const start = async (...given: Parameters<typeof startWatched>) =>
    servers.use(await startWatched(...given));
  const good = await start([...STREAMS, "udp"], [...common, "--log-level", "warn"]);
  const bad = await Promise.all(
    FAULTS.map((faults) => start(["tcp", "tls"], [...common, ...faults])),
  );
  const all = [good, ...bad];

  const crowds = await crowd(good, Math.min(10_000, Math.ceil(time / 10)));
  // Only now: with the first crowd a server opens two descriptors for good (net/read_scheduler.ts).
  const descriptors = all.map(({ pid }) => descriptorsOf(pid));
  const memory: number[][] = all.map(() => []);
  for (let number = 1; performance.now() < end - ROUND && !stop.signal.aborted; number++) {
    await inRound(() => round(number, good, bad));
    for (const [i, server] of all.entries()) {
      const excess = await server.excess(descriptors[i] ?? 0);
      if (excess > 0) mistake(`after round ${number}: ${excess} descriptors too many`);
      memory[i]?.push(memoryOf(server.pid));
    }
    const states = all.map(({ pid }) =>
      `${descriptorsOf(pid)} descriptors ${formatBytes(memoryOf(pid))}`
    );
    const seconds = Math.round((performance.now() - started) / 1000);
    const connections = formatAmount(tally.connections, "connection");
    const mistakes = formatAmount(tally.mistakes, "mistake");
    const bytes = formatBytes(tally.bytes);
    console.log(
      `${seconds} s: round ${number}, ${[connections, bytes, ...states, mistakes].join(", ")}`,
    );
  }
  const rounds = memory[0]?.length ?? 0;
  const ends = all.map(({ pid }) => descriptorsOf(pid));
  const faults = faultsIn((await Promise.all(all.map(logOf))).flat());
  if (rounds > 0 && (faults === "" || tally.faultsFound === 0)) {
    mistake("there were no faults");
  }
  if (rounds > 0 && rounds === tally.disturbed) mistake("no round counts");
  for (const [first, last] of memory.map(thirds)) {
    if (last - first > GROWTH) mistake(`memory grew by ${formatBytes(last - first)}`);
  }
  const rows = [
    ["time", `${Math.round((performance.now() - started) / 1000)} s, ${rounds} rounds`],
    ["disturbed", `${tally.disturbed} rounds, which do not count: the event loop was late`],
    ["connections", `${formatCount(tally.connections)}, ${crowds}`],
    ["drains", `${rounds} servers ended amid ${CLIENTS} busy clients each`],
    ["bytes", `${formatBytes(tally.bytes)} came back, all compared`],
    ["datagrams", `${formatCount(tally.datagramsLost)} lost while the server was stopped`],
    ["faults", `${faults}; clients found ${formatCount(tally.faultsFound)} errors`],
    ["descriptors", `${descriptors.join(", ")} at the start, ${ends.join(", ")} at the end`],
    ["memory", memory.map(memoryText).join(", with faults ")],
    ["mistakes", String(tally.mistakes)],
  ];
  for (const [name = "", text = ""] of rows) console.log(`${name.padEnd(13)}${text}`);
}

/** All clients of a round, while the server is stopped and short of descriptors. */
async function round(number: number, good: Watched, bad: readonly Watched[]): Promise<void> {
  const all = [
    ...STREAMS.map(good.endpoint).flatMap((endpoint) => [
      () => clients.loadFor(ROUND, endpoint),
      () => clients.connectOften(endpoint),
      () => clients.pingOften(endpoint),
    ]),
    () => clients.loadFor(ROUND, good.endpoint("udp"), ["lost"]),
    ...bad.flatMap(({ endpoint }) => [
      () => clients.loadFor(ROUND, endpoint("tcp"), ANY),
      () => clients.loadFor(ROUND, endpoint("tls"), ANY),
    ]),
    ...[good, ...bad].map((server) => () => scrapeFor(ROUND, server)),
    () => clients.strangers(good),
    () => hamper(good, number % 10 === 0 ? 10_000 : chance(200, 1000)),
    () => drainBusy(STREAMS[number % 3] ?? "tcp"),
  ];
  const running = all.map(async (act) => {
    await pause(chance(0, SPREAD));
    await act();
  });
  for (const done of await Promise.allSettled(running)) {
    if (done.status === "rejected") mistake(`round ${number}: ${done.reason}`);
  }
}

/** Ends a server; returns its log, in which no errors may be. */
async function logOf(server: Watched): Promise<LogLine[]> {
  const { status, log } = await server.end();
  if (status !== 0) mistake(`a server ended with status ${status}`);
  for (const line of log.filter(({ level }) => level === "error")) {
    mistake(`the server says: ${JSON.stringify(line)}`);
  }
  return log;
}

/** Many clients at once and one after another, and clients that never read. */
async function crowd(server: Watched, count: number): Promise<string> {
  await atOnce(count, server, "tcp");
  await oneAfterAnother(2 * count, server);
  const costs: string[] = [];
  for (const scheme of stop.signal.aborted ? [] : STREAMS) {
    const unread = Math.min(1000, Math.ceil(count / 10));
    const cost = await costOfUnread(unread, scheme);
    if (cost > COST[scheme] + COST_OF_ALL / unread) {
      mistake(`${scheme}: ${formatBytes(cost)} a client`);
    }
    costs.push(`${scheme} ${Math.round(Math.max(0, cost) / 1024)} KiB`);
  }
  return `${formatCount(count)} at once, ${formatCount(2 * count)} one after another; ` +
    `one that never reads costs ${costs.join(", ")}`;
}

/** Stops and continues a server, and takes its descriptors away for a time in milliseconds. */
async function hamper(server: Watched, shortage: number): Promise<void> {
  await pause(chance(200, 800));
  server.process.kill("SIGSTOP");
  await pause(chance(100, 800));
  server.process.kill("SIGCONT");
  await pause(chance(100, 500));
  await server.limitDescriptors(descriptorsOf(server.pid));
  await pause(shortage);
  await server.limitDescriptors(Infinity);
}

/** How many connections had each fault. */
function faultsIn(log: readonly LogLine[]): string {
  const closed = log.filter(({ message }) => message === "closed");
  const names = closed.flatMap(({ faults }) => typeof faults === "string" ? faults.split(",") : []);
  const counts = Object.entries(Object.groupBy(names, (name) => name));
  return counts.map(([name, all = []]) => `${name} ${formatCount(all.length)}`).join(", ");
}

/** Memory in the second and in the last third of the rounds: in the first a server warms up. */
function thirds(all: readonly number[]): [number, number] {
  const third = Math.ceil(all.length / 3);
  return [median(all.slice(-2 * third).slice(0, third)), median(all.slice(-third))];
}

function memoryText(all: readonly number[]): string {
  if (all.length === 0) return "not measured";
  const [first, last] = thirds(all);
  return `${formatBytes(first)} after a third of the time, ${formatBytes(last)} at the end`;
}
