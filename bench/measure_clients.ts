// What is measured of `yodel load`: on CPU 1, against the server in C on CPU 0, beside the generator.
import { cost, speed } from "./figures.ts";
import type { Lab, Plan, Ready, Running, Turn } from "./lab.ts";
import { output } from "./processes.ts";

/** What a client does; at a rate of 0 it sends as fast as answers come. */
const WORK = [
  { name: "load-50x64", connections: 50, size: 64, rate: 0 },
  { name: "load-500x1k", connections: 500, size: 1024, rate: 0 },
  { name: "load-rate", connections: 50, size: 64, rate: 20_000 },
] as const;

type Work = typeof WORK[number];

export const CLIENT_FIGURES = [
  speed("load-50x64", "50 × 64 B", "round trips/s"),
  speed("load-500x1k", "500 × 1 KiB", "round trips/s"),
  cost("load-rate-p50", "50 × 64 B, 20,000/s: latency p50", "µs"),
  cost("load-rate", "50 × 64 B, 20,000/s: latency p99", "µs"),
];

/** Titles by names; what the other is compared with comes first. */
export const CLIENTS = { c: "generator in C", load: "yodel load" } as const;

/** The turns of clients, those at the same work together. */
export function clientTurns(lab: Lab, reference: Ready, { warmUp, seconds }: Plan): Turn[][] {
  return WORK.map((work) => [
    { program: "c", work: work.name, take: () => measure(work, generate) },
    { program: "load", work: work.name, take: () => measure(work, load) },
  ]);

  async function measure(work: Work, client: typeof load): Promise<Record<string, number>> {
    await using running = await lab.start(reference, "tcp");
    const { speed, p50, p99 } = await client(running, work);
    return work.rate === 0 ? { [work.name]: speed } : { "load-rate-p50": p50, "load-rate": p99 };
  }

  async function generate(running: Running, { connections, size, rate }: Work) {
    const numbers = [connections, size, warmUp, seconds, rate];
    const found = await lab.generate("trips", running, ...numbers);
    const { per_second = NaN, p50_us = NaN, p99_us = NaN } = found;
    return { speed: per_second, p50: p50_us, p99: p99_us };
  }

  async function load({ address }: Running, { connections, size, rate }: Work) {
    const words = `load ${address.slice("tcp:".length)} --json --warm-up ${warmUp}s ` +
      `-d ${seconds}s -c ${connections} -s ${size} -r ${rate}`;
    const found = JSON.parse(await output([...lab.program, ...words.split(" ")], "1"));
    if (found.errors.total > 0) throw new Error(`${found.errors.total} errors`);
    const { messages_per_s: speed, latency: { p50_ms, p99_ms } } = found;
    return { speed, p50: p50_ms * 1000, p99: p99_ms * 1000 };
  }
}
