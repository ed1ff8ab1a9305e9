// What is measured of `yodel load`: on CPU 1, against the server in C on CPU 0, beside the generator.
import { cost, speed } from "./figures.ts";
import type { Lab, Plan, Ready, Running, Turn } from "./lab.ts";
import { output } from "./processes.ts";

/** What a client does; a rate of 0 messages a second is as fast as answers come. */
const WORK = [
  { name: "load-50x64", connections: 50, size: 64, rate: 0 },
  { name: "load-500x1k", connections: 500, size: 1024, rate: 0 },
  { name: "load-rate", connections: 50, size: 64, rate: 20_000 },
] as const;

export const CLIENT_FIGURES = [
  speed("load-50x64", "50 × 64 B", "round trips/s"),
  speed("load-500x1k", "500 × 1 KiB", "round trips/s"),
  cost("load-rate-p50", "50 × 64 B, 20,000/s: half come within", "µs"),
  cost("load-rate", "50 × 64 B, 20,000/s: 99 % come within", "µs"),
];

/** Titles by names; what the other is compared with comes first. */
export const CLIENTS = { c: "generator in C", load: "yodel load" } as const;

/** The turn of a client. */
export function clientTurn(
  lab: Lab,
  reference: Ready,
  program: keyof typeof CLIENTS,
  { warmUp, seconds }: Plan,
): Turn {
  return {
    program,
    async take(step) {
      await using running = await lab.start(reference, "tcp");
      for (const work of WORK) await step(work.name, () => measure(running, work));
    },
  };

  async function measure(running: Running, work: typeof WORK[number]) {
    const { name, connections, size, rate } = work;
    const words = `load ${running.address.slice("tcp:".length)} --json --warm-up ${warmUp}s ` +
      `-d ${seconds}s -c ${connections} -s ${size} -r ${rate}`;
    const found = program === "c"
      ? await lab.generate("trips", running, connections, size, warmUp, seconds, rate)
      : JSON.parse(await output([...lab.program, ...words.split(" ")], "1"));
    if (found.errors?.total > 0) throw new Error(`${found.errors.total} errors`);
    if (rate === 0) return { [name]: found.per_second ?? found.messages_per_s };
    const { p50_us = found.latency?.p50_ms * 1000, p99_us = found.latency?.p99_ms * 1000 } = found;
    return { "load-rate-p50": p50_us, "load-rate": p99_us };
  }
}
