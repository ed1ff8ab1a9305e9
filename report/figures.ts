// What all formats of a result show.
import type { LoadResult } from "../client/load/result.ts";

/** The percentiles of the round trips of ping. */
export const PING_PERCENTILES = [50, 90, 99];

/** The percentiles of the latencies of a load. */
export const LOAD_PERCENTILES = [50, 75, 90, 95, 99, 99.9, 99.99];

/** How many ranges their distribution has. */
export const RANGES = 12;

/** How many there were a second, of what took so many milliseconds. */
export function perSecond(count: number, time: number): number {
  return time > 0 ? count / time * 1000 : 0;
}

/** The first errors of each kind, in words. */
export function whatWentWrong({ plan, examples }: Pick<LoadResult, "plan" | "examples">): string[] {
  const name = plan.endpoint.scheme === "udp" ? "socket" : "connection";
  return examples.map(({ kind, connection, what }) => `${kind}: ${name} ${connection}: ${what}`);
}
