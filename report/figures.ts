// What several formats of results have in common.
import type { Latencies } from "../client/latencies.ts";

export const PING_PERCENTILES = [50, 90, 99];
export const LOAD_PERCENTILES = [50, 75, 90, 95, 99, 99.9, 99.99];

/** @param time in milliseconds */
export function perSecond(count: number, time: number): number {
  return time > 0 ? count / time * 1000 : 0;
}

/** A percentile to three digits, those of the histogram; exact if it is an extreme. */
export function roundedPercentile(latencies: Latencies, percent: number): number {
  const { min, max } = latencies;
  const found = latencies.percentile(percent);
  if (found === min || found === max) return found;
  return Math.max(min, Math.min(Number(found.toPrecision(3)), max));
}

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
      milliseconds(roundedPercentile(latencies, percent)),
    ])),
  };
}

/** Rounds a time in milliseconds to nanoseconds. */
export function milliseconds(time: number): number {
  return Number(time.toFixed(6));
}
