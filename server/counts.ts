// Counts of what a server has done so far.
import type { Ending } from "./connection.ts";
import type { Rejection } from "./loop_guard.ts";

/** The connections of one transport. */
export interface ConnectionCounts {
  /** Bytes from clients. */
  received: number;
  /** Bytes that were sent back. */
  sent: number;
  /** How many are open, and how many have ended, by reason. */
  readonly states: Record<Ending | "open", number>;
}

/** The counts of a thread of a server. */
export interface ServiceCounts {
  /** By transport: `tcp`, `tls` or `unix`, where it listens there. */
  readonly connections: Readonly<Record<string, ConnectionCounts>>;
  /** Datagrams that were answered. */
  readonly answered: number;
  /** Datagrams that were not answered, since that could make a loop; by reason. */
  readonly unanswered: Readonly<Record<Rejection, number>>;
  /** How often each fault was injected, by its name. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often each fault that is set now was injected, as it was given. */
  readonly currentFaults: Readonly<Record<string, number>>;
}

/** The counts of a server. */
export interface ServerCounts extends ServiceCounts {
  /** Refusals because of `allow`, `deny` and limits, by the reason that the log names. */
  readonly refused: Readonly<Record<string, number>>;
}

/** The counts of an unused transport. */
export function noConnections(): ConnectionCounts {
  const states = { open: 0, eof: 0, reset: 0, idle: 0, drain: 0, fault: 0, error: 0 };
  return { received: 0, sent: 0, states };
}

/** Adds up counts by their names; what only one of them has stays as it is. */
export function addCounts<T>(one: T, other: T): T {
  if (typeof one === "number") return one + Number(other) as T;
  const all = { ...one };
  for (const key in other) {
    all[key] = all[key] === undefined ? other[key] : addCounts(all[key], other[key]);
  }
  return all;
}
