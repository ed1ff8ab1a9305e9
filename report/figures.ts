// Figures of results, and how they are written.
import type { Latencies } from "../client/latencies.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";

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

/** Three digits and a unit. */
export function formatTime(milliseconds: number): string {
  if (milliseconds < 0.9995) return `${digits(milliseconds * 1000)} µs`;
  if (milliseconds < 999.5) return `${digits(milliseconds)} ms`;
  return `${digits(milliseconds / 1000)} s`;
}

/** Three digits and a unit, a power of 1,000. */
export function formatBytes(bytes: number): string {
  if (bytes < 999.5) return `${Math.round(bytes)} B`;
  if (bytes < 999_500) return `${digits(bytes / 1000)} kB`;
  if (bytes < 999_500_000) return `${digits(bytes / 1e6)} MB`;
  return `${digits(bytes / 1e9)} GB`;
}

/** `1,234,567` */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/** Three digits, or all before the point if these are more. */
function digits(value: number): string {
  const rounded = Number(value.toPrecision(3));
  const before = Math.max(1, Math.floor(Math.log10(rounded || 1)) + 1);
  return value.toFixed(Math.max(0, 3 - before));
}

/** `1 message`, `2 messages` */
export function formatAmount(count: number, name: string): string {
  return `${formatCount(count)} ${name}${count === 1 ? "" : "s"}`;
}

export function formatRate(perSecond: number): string {
  return perSecond < 10 ? digits(perSecond) : formatCount(perSecond);
}

/** Names an endpoint, with its address if the name is another one. */
export function formatPlace(endpoint: Endpoint, address: string | undefined): string {
  const name = formatEndpoint(endpoint);
  return address === undefined || name.endsWith(`//${address}`) ? name : `${name} (${address})`;
}

/** The local time of day: `14:02:11.020` */
export function formatClock(time: Date): string {
  return time.toTimeString().slice(0, 8) + (time.getMilliseconds() / 1000).toFixed(3).slice(1);
}

export function listed(parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false).join(", ");
}
