// What is measured of servers: on one core with the generator on another, and on two with it.
import { cost, type Plan, speed, type Turn } from "./turn.ts";
import type { Lab, Ready, Running } from "./lab.ts";
import { cpuSeconds, memory, output, start } from "./processes.ts";
import type { Transport } from "./servers.ts";

/** How many connections are open when memory is measured, where there are descriptors for them. */
const IDLE = 10_000;

/** The most connections that one call of the generator makes: ports are not given back at once. */
const MOST_CONNECTS = 20_000;

/** Work that the generator does with a server. */
interface Work {
  readonly name: string;
  readonly title: string;
  readonly transport: Transport;
  readonly mode: "trips" | "bulk" | "connects";
  /** Connections, and bytes a message where there are messages. */
  readonly numbers: readonly number[];
}

const WORK: readonly Work[] = [
  trips("tcp", 50, 64),
  trips("tcp", 500, 1024),
  trips("tcp", 50, 65536),
  bulk("tcp", 1),
  bulk("tcp", 8),
  {
    name: "tcp-connects",
    title: "tcp, connect and close",
    transport: "tcp",
    mode: "connects",
    numbers: [32],
  },
  trips("tls", 50, 64),
  bulk("tls", 1),
  trips("unix", 50, 64),
  trips("udp", 50, 64),
];

/** Messages there and back, one at a time on each connection. */
function trips(transport: Transport, connections: number, size: number): Work {
  const [short, long] = size < 1024
    ? [size, `${size} B`]
    : [`${size / 1024}k`, `${size / 1024} KiB`];
  return {
    name: `${transport}-${connections}x${short}`,
    title: `${transport}, ${connections} × ${long}`,
    transport,
    mode: "trips",
    numbers: [connections, size],
  };
}

/** Streams that never end. */
function bulk(transport: Transport, connections: number): Work {
  return {
    name: `${transport}-bulk${connections}`,
    title: `${transport}, bulk of ${connections}`,
    transport,
    mode: "bulk",
    numbers: [connections],
  };
}

const UNITS = { trips: "round trips/s", bulk: "MB/s", connects: "connections/s" };

/** The work whose latency and cost are shown as well. */
const CLOSELY = "tcp-50x64";

/** The work that is also done on two cores. */
const ON_TWO = WORK.filter(({ name }) =>
  ["tcp-50x64", "tcp-500x1k", "tcp-50x64k", "tcp-bulk8", "tcp-connects", "tls-50x64"].includes(name)
);

/** What is found out of servers. */
export const SERVER_FIGURES = [
  ...WORK.map(({ name, title, mode }) => speed(name, title, UNITS[mode])),
  cost("p99", "tcp, 50 × 64 B: 99 % come within", "µs"),
  cost("cpu", "tcp, 50 × 64 B: CPU a round trip", "µs"),
  cost("idle", "memory of an idle connection (PSS)", "KiB"),
  cost("start", "from its start to its first echo", "ms"),
];

/** What is found out of servers that share two cores with the generator. */
export const TWO_CORES_FIGURES = ON_TWO.map(({ name, title, mode }) =>
  speed(`two-${name}`, title, UNITS[mode])
);

/** The turn of a server that has CPU 0, with the generator on CPU 1. */
export function serverTurn(lab: Lab, ready: Ready, plan: Plan, withMemory: boolean): Turn {
  const { name, transports, most = Infinity } = ready.server;
  const all = WORK.filter(({ name, transport, numbers: [connections = 0] }) =>
    transports.includes(transport) && connections <= most && plan.wants(name)
  );
  const others = ["start", ...withMemory && most >= IDLE ? ["idle"] : []].filter(plan.wants);
  return {
    section: "servers",
    program: name,
    steps: [...others, ...all.map(({ name }) => name)],
    async take(step) {
      if (others.includes("start")) await step("start", () => startUp(lab, ready));
      if (others.includes("idle")) await step("idle", () => idle(lab, ready));
      for (const transport of transports) {
        const own = all.filter((work) => work.transport === transport);
        if (own.length === 0) continue;
        await using running = await lab.start(ready, transport, "0");
        for (const work of own) await step(work.name, () => doWork(lab, running, work, plan, "1"));
      }
    },
  };
}

/** The turn of a server that has CPUs 0 and 1, with the generator on both as well. */
export function twoCoresTurn(lab: Lab, ready: Ready, plan: Plan): Turn {
  const { name, transports } = ready.server;
  const all = ON_TWO.filter(({ name, transport }) =>
    transports.includes(transport) && plan.wants(`two-${name}`)
  );
  return {
    section: "two-cores",
    program: name,
    steps: all.map(({ name }) => `two-${name}`),
    async take(step) {
      for (const transport of transports) {
        const own = all.filter((work) => work.transport === transport);
        if (own.length === 0) continue;
        await using running = await lab.start(ready, transport, "0,1");
        for (const work of own) {
          await step(`two-${work.name}`, async () => {
            const found = await doWork(lab, running, work, plan, "0,1");
            return { [`two-${work.name}`]: found[work.name] ?? NaN };
          });
        }
      }
    },
  };
}

async function doWork(
  lab: Lab,
  { server, group, address }: Running,
  { name, mode, numbers }: Work,
  { warmUp, seconds }: Plan,
  cpus: string,
): Promise<Record<string, number>> {
  const before = cpuSeconds(group);
  const limit = mode === "connects" ? MOST_CONNECTS : warmUp;
  const found = await ask(lab, [mode, address, ...numbers, limit, seconds].map(String), cpus);
  const { per_second, mb_per_second, p99_us = NaN, total = NaN } = found;
  const value = per_second ?? mb_per_second ?? NaN;
  if (name !== CLOSELY) return { [name]: value };
  // Processes that have ended with their connection took their time along.
  if (server.most !== undefined) return { [name]: value, p99: p99_us };
  return { [name]: value, p99: p99_us, cpu: (cpuSeconds(group) - before) * 1e6 / total };
}

/** How long a server takes from its start to its first echo. */
async function startUp(lab: Lab, ready: Ready): Promise<Record<string, number>> {
  const { words, address } = lab.place(ready, "tcp");
  const { ms } = await ask(lab, ["start", "0", address, ...words], "1");
  return { start: ms ?? NaN };
}

/** What an idle connection costs: all have had one answer. */
async function idle(lab: Lab, ready: Ready): Promise<Record<string, number>> {
  await using running = await lab.start(ready, "tcp", "0");
  await ask(lab, ["trips", running.address, "1", "64", "0", "0.1"], "1");
  const limits = await Deno.readTextFile("/proc/self/limits");
  const files = Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  const count = Math.min(IDLE, Math.floor((files - 500) / (ready.server.descriptors ?? 1)));
  const before = memory(running.group);
  await using clients = start([lab.generator, "idle", running.address, String(count)], "1");
  const { value } = await clients.process.stdout.getReader().read();
  if (value === undefined) throw new Error(await new Response(clients.process.stderr).text());
  return { idle: (memory(running.group) - before) / count / 1024 };
}

/** Has the generator do something. */
async function ask(
  lab: Lab,
  words: readonly string[],
  cpus: string,
): Promise<Record<string, number>> {
  return JSON.parse(await output([lab.generator, ...words], cpus));
}
