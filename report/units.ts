// How quantities are written for people.
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";

/** Writes a time in milliseconds with three digits and the unit that suits it. */
export function formatTime(milliseconds: number): string {
  if (milliseconds < 0.9995) return `${digits(milliseconds * 1000)} µs`;
  if (milliseconds < 999.5) return `${digits(milliseconds)} ms`;
  return `${digits(milliseconds / 1000)} s`;
}

/** Writes a number of bytes with three digits and the unit that suits it (powers of 1,000). */
export function formatBytes(bytes: number): string {
  if (bytes < 999.5) return `${Math.round(bytes)} B`;
  if (bytes < 999_500) return `${digits(bytes / 1000)} kB`;
  if (bytes < 999_500_000) return `${digits(bytes / 1e6)} MB`;
  return `${digits(bytes / 1e9)} GB`;
}

/** Writes a number of things: `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/** Three digits, or all of those before the point where there are more. */
function digits(value: number): string {
  const rounded = Number(value.toPrecision(3));
  const before = Math.max(1, Math.floor(Math.log10(rounded || 1)) + 1);
  return value.toFixed(Math.max(0, 3 - before));
}

/** Writes a number of things with their name: `1 message`, `2 messages`. */
export function formatAmount(count: number, name: string): string {
  return `${formatCount(count)} ${name}${count === 1 ? "" : "s"}`;
}

/** Writes how many things there are a second. */
export function formatRate(perSecond: number): string {
  return perSecond < 10 ? digits(perSecond) : formatCount(perSecond);
}

/** Names an endpoint, with its address where the name does not say it. */
export function formatPlace(endpoint: Endpoint, address: string | undefined): string {
  const name = formatEndpoint(endpoint);
  return address === undefined || name.endsWith(`//${address}`) ? name : `${name} (${address})`;
}

/** Writes the time of day, here: `14:02:11.020`. */
export function formatClock(time: Date): string {
  return time.toTimeString().slice(0, 8) + (time.getMilliseconds() / 1000).toFixed(3).slice(1);
}

/** Joins those parts of a line that there are. */
export function listed(parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false).join(", ");
}
