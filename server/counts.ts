// What a server has done so far, for those who watch it.
import type { Ending } from "./connection.ts";
import type { Rejection } from "./loop_guard.ts";

/** The connections of one transport. */
export interface ConnectionCounts {
  /** What they have brought, in bytes. */
  received: number;
  /** What was sent back to them, in bytes. */
  sent: number;
  /** How many are open, and how many have ended, by why. */
  readonly states: Record<Ending | "open", number>;
}

/** What a part of a server has done so far. */
export interface ServiceCounts {
  /** By transport: `tcp`, `tls` or `unix`, where it listens there. */
  readonly connections: Readonly<Record<string, ConnectionCounts>>;
  /** Datagrams that were answered. */
  readonly answered: number;
  /** Datagrams that were not answered, as that could make a loop; by why. */
  readonly unanswered: Readonly<Record<Rejection, number>>;
  /** How often each fault was injected. */
  readonly faults: Readonly<Record<string, number>>;
}

/** What a server has done so far. */
export interface ServerCounts extends ServiceCounts {
  /** How often all places that `maxConnections` gives were taken. */
  readonly full: number;
  /** What `allow`, `deny` and the limits refused, by the names that the log has for it. */
  readonly refused: Readonly<Record<string, number>>;
}

/** The counts of a transport that nobody has used. */
export function noConnections(): ConnectionCounts {
  const states = { open: 0, eof: 0, reset: 0, idle: 0, drain: 0, fault: 0, error: 0 };
  return { received: 0, sent: 0, states };
}

/** Adds what two parts of a server have done. */
export function addCounts(one: ServiceCounts, other: ServiceCounts): ServiceCounts {
  const add = (a: number, b: number) => a + b;
  return {
    connections: combine(one.connections, other.connections, (a, b) => ({
      received: a.received + b.received,
      sent: a.sent + b.sent,
      states: combine(a.states, b.states, add),
    })),
    answered: one.answered + other.answered,
    unanswered: combine(one.unanswered, other.unanswered, add),
    faults: combine(one.faults, other.faults, add),
  };
}

/** All that either has; what both have is added. */
function combine<K extends string, T>(
  one: Readonly<Record<K, T>>,
  other: Readonly<Record<K, T>>,
  add: (a: T, b: T) => T,
): Record<K, T> {
  const all: Record<K, T> = { ...one };
  for (const key in other) all[key] = key in one ? add(one[key], other[key]) : other[key];
  return all;
}
