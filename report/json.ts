// What the JSON of several commands has in common.
import type { Latencies } from "../client/latencies.ts";

/** Writes latencies as JSON, with some percentiles; null where there are none. */
export function latenciesJson(latencies: Latencies, percentiles: readonly number[]) {
  if (latencies.count === 0) return null;
  return {
    count: latencies.count,
    min_ms: milliseconds(latencies.min),
    mean_ms: milliseconds(latencies.mean),
    stddev_ms: milliseconds(latencies.stddev),
    max_ms: milliseconds(latencies.max),
    ...Object.fromEntries(percentiles.map((percent) => [
      `p${String(percent).replace(".", "_")}_ms`,
      milliseconds(latencies.percentile(percent)),
    ])),
  };
}

/** Rounds a time in milliseconds to nanoseconds: there is nothing behind them. */
export function milliseconds(time: number): number {
  return Number(time.toFixed(6));
}
