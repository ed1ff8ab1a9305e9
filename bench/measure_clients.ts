// What is measured of clients that measure: each on CPU 1, against the server in C on CPU 0.
import { program } from "../tests/program.ts";
import { type Lab, peer, type Ready } from "./lab.ts";
import { output } from "./processes.ts";
import { cost, type Plan, speed, type Turn } from "./turn.ts";

/** What a client does: so many connections, bytes a message, and messages a second, 0 for all it can. */
interface Work {
  readonly name: string;
  readonly connections: number;
  readonly size: number;
  readonly rate: number;
}

const WORK: readonly Work[] = [
  { name: "load-50x64", connections: 50, size: 64, rate: 0 },
  { name: "load-500x1k", connections: 500, size: 1024, rate: 0 },
  { name: "load-rate", connections: 50, size: 64, rate: 20_000 },
];

/** What is found out of clients. */
export const CLIENT_FIGURES = [
  speed("load-50x64", "50 × 64 B", "round trips/s"),
  speed("load-500x1k", "500 × 1 KiB", "round trips/s"),
  cost("load-rate-p50", "50 × 64 B, 20,000/s: half come within", "µs"),
  cost("load-rate", "50 × 64 B, 20,000/s: 99 % come within", "µs"),
];

/** What a client says. */
interface Measured {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
}

/** A client. */
export interface Client {
  readonly name: string;
  readonly title: string;
  /** Where it is, from bench/peers. */
  readonly file: string;
  readonly cpus: string;
  /** The command that does some work, with a server on a port of 127.0.0.1. */
  words(lab: Lab, port: string, work: Work, plan: Plan): readonly (string | number)[];
  /** Messages a second, and the times within which 50 and 99 % of them came back in µs, from its JSON. */
  read(json: string): Measured;
}

/** What is compared with, first. */
export const CLIENTS: readonly Client[] = [
  {
    name: "c",
    title: "generator in C",
    file: "../generator/generator.c",
    cpus: "1",
    words: (lab, port, { connections, size, rate }, { warmUp, seconds }) => [
      ...[lab.generator, "trips", `tcp:${port}`, connections, size, warmUp, seconds, rate],
    ],
    read: readPlain,
  },
  {
    name: "node",
    title: "client in Node",
    file: "node_client.mjs",
    cpus: "1",
    words: (_, port, { connections, size, rate }, { warmUp, seconds }) => [
      ...["node", peer("node_client.mjs"), port, connections, size, warmUp, seconds, rate],
    ],
    read: readPlain,
  },
  yodel("load", "yodel load", "1", []),
  // A second thread finds no core of its own where there are two, one of which the server has.
  yodel("load-2", "yodel load --workers 2, on both cores", "0,1", ["--workers", "2"]),
];

function yodel(name: string, title: string, cpus: string, flags: readonly string[]): Client {
  return {
    name,
    title,
    file: "../../main.ts",
    cpus,
    words: (_, port, { connections, size, rate }, { warmUp, seconds }) => [
      ...[...program, "load", `127.0.0.1:${port}`, "-c", connections, "-s", size, ...flags],
      ...[
        "--warm-up",
        `${warmUp}s`,
        "-d",
        `${seconds}s`,
        "--json",
        ...rate > 0 ? ["-r", rate] : [],
      ],
    ],
    read(json) {
      const { messages_per_s, latency, errors } = JSON.parse(json);
      if (errors.total > 0) throw new Error(`${errors.total} errors`);
      const [p50, p99] = [latency.p50_ms * 1000, latency.p99_ms * 1000];
      return { rate: messages_per_s, p50, p99 };
    },
  };
}

function readPlain(json: string): Measured {
  const { per_second, p50_us, p99_us } = JSON.parse(json);
  return { rate: per_second, p50: p50_us, p99: p99_us };
}

/** The turn of a client. */
export function clientTurn(lab: Lab, reference: Ready, client: Client, plan: Plan): Turn {
  const all = WORK.filter(({ name }) => plan.wants(name));
  return {
    section: "clients",
    program: client.name,
    steps: all.map(({ name }) => name),
    async take(step) {
      await using running = await lab.start(reference, "tcp", "0");
      const port = running.address.slice("tcp:".length);
      for (const work of all) {
        await step(work.name, async () => {
          const words = client.words(lab, port, work, plan).map(String);
          const { rate, p50, p99 } = client.read(await output(words, client.cpus));
          return work.rate > 0 ? { "load-rate-p50": p50, "load-rate": p99 } : { [work.name]: rate };
        });
      }
    },
  };
}
