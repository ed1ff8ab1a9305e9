/**
 * Does to two servers, one of which has faults, whatever could do them harm, for as long as it is
 * asked to, 10 minutes by default:
 *
 *     deno task soak [DURATION]
 *
 * Its clients come and go over every transport, behave well and badly, and all at once; the servers
 * are stopped and continued and run out of descriptors, and some are ended while clients are busy.
 * A line tells of each round. Ctrl-C ends it after the round that is on. It ends with a summary, and
 * with status 1 where a byte was lost, a descriptor was not given back, or memory grew. Linux only.
 */
import { formatAmount, formatBytes, formatCount } from "../../report/units.ts";
import type { StreamEndpoint } from "../../net/endpoint.ts";
import { duration } from "../../values/value_types.ts";
import { median, pause } from "../local.ts";
import {
  chance,
  connectOften,
  loadFor,
  pingOften,
  strangers,
  STREAMS,
  type Surroundings,
} from "./clients.ts";
import { atOnce, costOfUnread, oneAfterAnother } from "./crowd.ts";
import { CLIENTS, drainBusy } from "./drain.ts";
import { Tally } from "./tally.ts";
import { type LogLine, Watched } from "./watched.ts";

/** How long the clients of a round come, in milliseconds. */
const ROUND = 3500;

/** How much more memory a server may hold at the end than after a third of the time, in bytes. */
const GROWTH = 32 * 1024 * 1024;

/** What a client that never reads may cost, and all of them together besides, in bytes (docs/development.md). */
const COST = { tcp: 128 * 1024, unix: 128 * 1024, tls: 800 * 1024 };
const COST_OF_ALL = 32 * 1024 * 1024;

/** What the second server does badly. */
const FAULTS = [
  ...["delay=1ms..20ms@5%", "stall=100ms@1%", "chunk=100..5000@10%", "corrupt@5e-6"],
  ...["lose@1e-4", "repeat@1e-4", "reset-after=1k..1m@15%", "close-after=1k..1m@15%"],
].flatMap((fault) => ["--fault", fault]);

/** Of the errors that a load finds, those that faults lead to: all. */
const ANY = ["connect", "broken", "lost", "corrupted", "repeated", "unexpected"] as const;

const time = duration.parse(Deno.args[0] ?? "10m");
if (time === undefined || time === 0 || Deno.args.length > 1) {
  console.error(`soak: expected one argument at most, ${duration.expected}`);
  Deno.exit(2);
}
const folder = await Deno.makeTempDir();
const stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort());
Deno.addSignalListener("SIGTERM", () => stop.abort());
const isGood = await soak(time).finally(() => Deno.remove(folder, { recursive: true }));
Deno.exit(isGood ? 0 : 1);

async function soak(time: number): Promise<boolean> {
  const started = performance.now();
  const end = started + time;
  const tally = new Tally();
  const listen = (name: string, schemes: readonly string[]) => [
    ...schemes.map((scheme) =>
      scheme === "unix" ? `unix:${folder}/${name}.sock` : `${scheme}://127.0.0.1:0`
    ),
    ...["--write-ca", `${folder}/${name}.pem`, "--idle-timeout", "30s"],
  ];
  await using good = await Watched.start([
    ...listen("good", [...STREAMS, "udp"]),
    ...["--log-level", "warn", "--workers", "2"],
  ]);
  await using bad = await Watched.start([...listen("bad", ["tcp", "tls"]), ...FAULTS]);
  const around = async (name: string): Promise<Surroundings> => ({
    ca: await Deno.readTextFile(`${folder}/${name}.pem`),
    tally,
    signal: stop.signal,
  });
  const [well, badly] = [await around("good"), await around("bad")];

  const crowds = await crowd(good, Math.min(10_000, Math.ceil(time / 10)), well);
  // Only now: with the first crowd a server opens two descriptors for good (net/read_scheduler.ts).
  const descriptors = [good.descriptors, bad.descriptors];
  const memory: [number[], number[]] = [[], []];
  for (let number = 1; performance.now() < end - ROUND && !stop.signal.aborted; number++) {
    await round(number, good, well, bad, badly);
    for (const [i, server] of [good, bad].entries()) {
      const excess = await server.excess(descriptors[i] ?? 0);
      if (excess > 0) tally.mistake(`after round ${number}: ${excess} descriptors too many`);
      memory[i]?.push(server.memory);
    }
    tell(number, started, tally, [good, bad]);
  }
  const rounds = memory[0].length;
  const ends = [good.descriptors, bad.descriptors];
  const faults = faultsIn(await logOf(bad, tally));
  await logOf(good, tally);
  if (rounds > 0 && (faults === "" || tally.faultsFound === 0)) {
    tally.mistake("there were no faults");
  }
  for (const [first, last] of memory.map(thirds)) {
    if (last - first > GROWTH) tally.mistake(`memory grew by ${formatBytes(last - first)}`);
  }
  const rows = [
    ["time", `${Math.round((performance.now() - started) / 1000)} s, ${rounds} rounds`],
    ["connections", `${formatCount(tally.connections)}, ${crowds}`],
    ["drains", `${rounds} servers ended amid ${CLIENTS} busy clients each`],
    ["bytes", `${formatBytes(tally.bytes)} came back, all compared`],
    ["datagrams", `${formatCount(tally.datagramsLost)} lost while the server was stopped`],
    ["faults", `${faults}; clients found ${formatCount(tally.faultsFound)} errors`],
    ["descriptors", `${descriptors.join(" and ")} at the start, ${ends.join(" and ")} at the end`],
    ["memory", memory.map(memoryText).join(", with faults ")],
    ["mistakes", String(tally.mistakes)],
  ];
  for (const [name = "", text = ""] of rows) console.log(`${name.padEnd(13)}${text}`);
  return tally.mistakes === 0;
}

/** All clients of a round, at once, and what is done to the server meanwhile. */
async function round(
  number: number,
  good: Watched,
  well: Surroundings,
  bad: Watched,
  badly: Surroundings,
): Promise<void> {
  const all = [
    ...STREAMS.flatMap((scheme) => {
      const endpoint = good.endpoint(scheme);
      return [
        loadFor(ROUND, endpoint, [], well),
        connectOften(endpoint, well),
        pingOften(endpoint, well),
      ];
    }),
    loadFor(ROUND, good.endpoint("udp"), ["lost"], well),
    ...(["tcp", "tls"] as const).map((scheme) => loadFor(ROUND, bad.endpoint(scheme), ANY, badly)),
    strangers(good, well),
    hamper(good, number % 10 === 0 ? 10_000 : chance(200, 1000)),
    drainBusy(drained(number), `${folder}/drained.pem`, well),
  ];
  for (const done of await Promise.allSettled(all)) {
    if (done.status === "rejected") well.tally.mistake(`round ${number}: ${done.reason}`);
  }
}

/** Ends a server; returns its log, in which no errors may be. */
async function logOf(server: Watched, tally: Tally): Promise<LogLine[]> {
  const { status, log } = await server.end();
  if (status !== 0) tally.mistake(`a server ended with status ${status}`);
  for (const line of log.filter(({ level }) => level === "error")) {
    tally.mistake(`the server says: ${JSON.stringify(line)}`);
  }
  return log;
}

/** Many clients at once and one after another, and such as never read. */
async function crowd(server: Watched, count: number, around: Surroundings): Promise<string> {
  const endpoint = server.endpoint("tcp") as StreamEndpoint;
  await atOnce(count, endpoint, around);
  await oneAfterAnother(2 * count, endpoint, around);
  const costs: string[] = [];
  for (const scheme of around.signal.aborted ? [] : STREAMS) {
    const asked = scheme === "unix" ? `unix:${folder}/unread.sock` : `${scheme}://127.0.0.1:0`;
    const unread = Math.min(1000, Math.ceil(count / 10));
    const cost = await costOfUnread(unread, asked, `${folder}/unread.pem`, around);
    if (cost > COST[scheme] + COST_OF_ALL / unread) {
      around.tally.mistake(`${scheme}: ${formatBytes(cost)} a client`);
    }
    costs.push(`${scheme} ${Math.round(Math.max(0, cost) / 1024)} KiB`);
  }
  return `${formatCount(count)} at once, ${formatCount(2 * count)} one after another; ` +
    `one that never reads costs ${costs.join(", ")}`;
}

/** Stops a server and lets it go on, and lets it run out of descriptors for so many milliseconds. */
async function hamper(server: Watched, shortage: number): Promise<void> {
  await pause(chance(200, 800));
  server.kill("SIGSTOP");
  await pause(chance(100, 800));
  server.kill("SIGCONT");
  await pause(chance(100, 500));
  await server.limitDescriptors(server.descriptors);
  await pause(shortage);
  await server.limitDescriptors(Infinity);
}

/** What the server listens on that is ended in a round. */
function drained(number: number): string {
  return ["tcp://127.0.0.1:0", "tls://127.0.0.1:0", `unix:${folder}/drained.sock`][number % 3] ??
    "";
}

/** How often each fault was injected a connection. */
function faultsIn(log: readonly LogLine[]): string {
  const counts = new Map<string, number>();
  for (
    const name of log.flatMap(({ message, faults }) =>
      message === "closed" && typeof faults === "string" ? faults.split(",") : []
    )
  ) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${formatCount(count)}`).join(", ");
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

function tell(number: number, started: number, tally: Tally, servers: readonly Watched[]): void {
  const seconds = Math.round((performance.now() - started) / 1000);
  const states = servers.map(({ descriptors, memory }) =>
    `${descriptors} descriptors ${formatBytes(memory)}`
  );
  console.log(
    `${seconds} s: round ${number}, ${formatAmount(tally.connections, "connection")}, ` +
      `${formatBytes(tally.bytes)}, ${states.join(", ")}, ${
        formatAmount(tally.mistakes, "mistake")
      }`,
  );
}
