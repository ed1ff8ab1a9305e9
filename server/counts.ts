/**
 * What a server has done so far, for those who watch it.
 *
 * @module
 */
import type { Endpoint } from "../net/endpoint.ts";
import type { Connection, Ending } from "./connection.ts";
import type { Objection } from "./loop_guard.ts";

/** The connections of one transport. */
export interface ConnectionCounts {
  /** How many are open. */
  open: number;
  /** How many have ended, by why. */
  readonly ended: Partial<Record<Ending, number>>;
  /** What all of them have brought, in bytes. */
  received: number;
  /** What was sent back to them, in bytes. */
  sent: number;
}

/** What connections have done. */
export interface ConnectionTotals {
  /** By transport; those of which there was none are left out. */
  readonly connections: { [Scheme in Endpoint["scheme"]]?: ConnectionCounts };
  /** How often each fault struck that does something to what passes. */
  readonly faults: Record<string, number>;
}

/** What a server has done so far. */
export interface ServerCounts extends ConnectionTotals {
  /** Whether it accepts connections; no more once it is stopped. */
  readonly accepting: boolean;
  /** How often all places that `maxConnections` gives were taken. */
  readonly full: number;
  /** Datagrams that were answered. */
  readonly answered: number;
  /** Datagrams that were not, as that could make a loop; by why. */
  readonly unanswered: Readonly<Record<Objection, number>>;
  /** Who was refused: `connections` or `datagrams`, and `_denied` or `_over_limit`. */
  readonly refused: Readonly<Record<string, number>>;
}

/** Adds a connection to the totals. */
export function addConnection(totals: ConnectionTotals, connection: Connection): void {
  const { endpoint: { scheme }, traffic, ended, impairment } = connection;
  const counts = totals.connections[scheme] ??= { open: 0, ended: {}, received: 0, sent: 0 };
  if (ended === undefined) counts.open++;
  else counts.ended[ended] = (counts.ended[ended] ?? 0) + 1;
  counts.received += traffic.received;
  counts.sent += traffic.sent;
  addStrikes(totals, impairment?.strikes ?? []);
}

/** Adds how often faults struck, by their names. */
export function addStrikes(
  { faults }: ConnectionTotals,
  strikes: Iterable<readonly [string, number]>,
): void {
  for (const [name, times] of strikes) faults[name] = (faults[name] ?? 0) + times;
}
