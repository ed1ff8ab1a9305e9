// What is measured of servers: on CPU 0, or with more threads on all, with the generator on CPU 1.
import { cost, type Figure, speed } from "./figures.ts";
import type { Lab, Plan, Ready, Running, Turn } from "./lab.ts";
import { memory } from "./processes.ts";
import type { Transport } from "./servers.ts";

/** How many connections are open when memory is measured, if there are descriptors for them. */
const IDLE = 10_000;

/** The most connections that one call of the generator makes: ports are not given back at once. */
const MOST_CONNECTS = 20_000;

/** In milliseconds. */
const ANSWERS_WITHIN = 5000;

/** What is counted in each mode, and one of that. */
const UNITS = {
  trips: ["round trips", "round trip"],
  bulk: ["MB", "MB"],
  connects: ["connections", "connection"],
} as const;

/** Work that the generator does with a server. */
interface Work {
  readonly name: string;
  readonly title: string;
  readonly transport: Transport;
  readonly mode: keyof typeof UNITS;
  /** Connections, and bytes a message if there are messages. */
  readonly numbers: readonly number[];
}

const WORK: readonly Work[] = [
  work("tcp-50x64", "tcp, 50 × 64 B", "trips", 50, 64),
  work("tcp-500x1k", "tcp, 500 × 1 KiB", "trips", 500, 1024),
  work("tcp-50x64k", "tcp, 50 × 64 KiB", "trips", 50, 65536),
  work("tcp-bulk1", "tcp, bulk of 1", "bulk", 1),
  work("tcp-bulk8", "tcp, bulk of 8", "bulk", 8),
  work("tcp-connects", "tcp, connect and close", "connects", 32),
  work("tls-50x64", "tls, 50 × 64 B", "trips", 50, 64),
  work("tls-bulk1", "tls, bulk of 1", "bulk", 1),
  work("unix-50x64", "unix, 50 × 64 B", "trips", 50, 64),
  work("udp-50x64", "udp, 50 × 64 B", "trips", 50, 64),
];

function work(name: string, title: string, mode: Work["mode"], ...numbers: number[]): Work {
  return { name, title, transport: name.replace(/-.*/, "") as Transport, mode, numbers };
}

/** What a unit of some work costs the server. */
function cpuFigure({ name, title, mode }: Work): Figure {
  return cost(`cpu-${name}`, `${title}: CPU a ${UNITS[mode][1]}`, "µs");
}

export const SERVER_FIGURES = [
  ...WORK.map(({ name, title, mode }) => speed(name, title, `${UNITS[mode][0]}/s`)),
  cost("p99-tcp-50x64", "tcp, 50 × 64 B: latency p99", "µs"),
  cost("max-tcp-500x1k", "tcp, 500 × 1 KiB: longest latency", "µs"),
  ...WORK.map(cpuFigure),
  cost("idle", "memory of an idle connection (PSS)", "KiB"),
  cost("start", "from its start to its first echo", "ms"),
];

/** Titles of yodel by its numbers of threads. */
export const THREADS = { 1: "1 thread", 2: "2 threads", 4: "4 threads" };

const THREADS_WORK = ["tcp-50x64", "tcp-500x1k", "tls-50x64"].flatMap((name) =>
  WORK.filter((work) => work.name === name).map((work) => ({ ...work, name: `threads-${name}` }))
);

export const THREAD_FIGURES = THREADS_WORK.map(cpuFigure);

/** The turns of servers, those at the same work together. */
export function serverTurns(
  lab: Lab,
  servers: readonly Ready[],
  plan: Plan,
  withMemory: boolean,
): Turn[][] {
  const turnsOf = (work: string, take: (ready: Ready) => ReturnType<Turn["take"]>) =>
    servers.map((ready) => ({ program: ready.server.name, work, take: () => take(ready) }));
  return [
    turnsOf("start", (ready) => startUp(lab, ready)),
    ...withMemory ? [turnsOf("idle", (ready) => idle(lab, ready))] : [],
    ...WORK.map((work) => turnsOf(work.name, (ready) => doWork(lab, ready, work, plan))),
  ];
}

/** The turns of yodel with more threads, on all CPUs, of which the generator uses one as well. */
export function threadTurns(lab: Lab, yodel: Ready, plan: Plan): Turn[][] {
  const cpus = Array.from({ length: navigator.hardwareConcurrency }, (_, cpu) => cpu).join(",");
  return THREADS_WORK.map((work) =>
    Object.keys(THREADS).map((program) => {
      const threads = Number(program);
      const ready = { ...yodel, threads, words: [...yodel.words, "--workers", program] };
      // Each thread compiles for itself what it does often.
      const longer = { ...plan, warmUp: plan.warmUp * threads };
      return { program, work: work.name, take: () => doWork(lab, ready, work, longer, cpus) };
    })
  );
}

/** Starts a server, and has the generator do some work with it. */
async function doWork(
  lab: Lab,
  ready: Ready,
  { name, mode, numbers, transport }: Work,
  { warmUp, seconds }: Plan,
  cpus = "0",
): Promise<Record<string, number>> {
  await using running = await lab.start(ready, transport, cpus);
  const generate = (limit: number, seconds: number) =>
    lab.generate(mode, running, ...numbers, limit, seconds);
  if (mode === "connects") await generate(MOST_CONNECTS / 4, warmUp);
  const found = await generate(mode === "connects" ? MOST_CONNECTS : warmUp, seconds);
  const { per_second, mb_per_second, cpu_us = NaN, p99_us = NaN, max_us = NaN } = found;
  const value = per_second ?? mb_per_second ?? NaN;
  const latencies = { [`p99-${name}`]: p99_us, [`max-${name}`]: max_us };
  return { [name]: value, [`cpu-${name}`]: cpu_us, ...latencies };
}

async function startUp(lab: Lab, ready: Ready): Promise<Record<string, number>> {
  const began = performance.now();
  await using running = await lab.start(ready, "tcp");
  using _conn = await connect(running);
  return { start: performance.now() - began };
}

/** What an idle connection costs: all have had one answer. */
async function idle(lab: Lab, ready: Ready): Promise<Record<string, number>> {
  await using running = await lab.start(ready, "tcp");
  await lab.generate("trips", running, 1, 64, 0, 0.1);
  const limits = await Deno.readTextFile("/proc/self/limits");
  const files = Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  const count = Math.min(IDLE, Math.floor((files - 500) / (ready.server.descriptors ?? 1)));
  const before = memory(running.process);
  using open = new DisposableStack();
  for (let i = 0; i < count; i++) open.use(await connect(running));
  return { idle: (memory(running.process) - before) / count / 1024 };
}

/** Connects over TCP, and waits for the answer to a message. */
async function connect({ address }: Running): Promise<Deno.Conn> {
  const conn = await Deno.connect({ port: Number(address.slice("tcp:".length)) });
  const tooLong = setTimeout(() => conn.close(), ANSWERS_WITHIN);
  await conn.write(new Uint8Array(64));
  if (await conn.read(new Uint8Array(64)) === null) throw new Error("no answer");
  clearTimeout(tooLong);
  return conn;
}
