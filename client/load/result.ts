import { createLatencies, type EncodedLatencies, type Latencies } from "../latencies.ts";
import type { LoadPlan } from "./plan.ts";

/**
 * How something went wrong: no connection (`connect`), a connection that ended with messages under
 * way (`broken`), bytes that did not come back in time (`lost`), other bytes (`corrupted`), the
 * same ones again (`repeated`), or bytes that were never sent (`unexpected`).
 */
export type LoadErrorKind = "connect" | "broken" | "lost" | "corrupted" | "repeated" | "unexpected";

/** How many errors of each kind have an example. */
export const MAX_EXAMPLES = 3;

/** The length of an interval, in milliseconds. */
export const SECOND = 1000;

/** A second of a load; the last one has the rest as well. */
export interface LoadInterval {
  /** How long it was, in milliseconds. */
  elapsed: number;
  /** How many messages came back as they were sent. */
  messages: number;
  /** How often something went wrong. */
  errors: number;
  /** The longest latency of those messages, in milliseconds; 0 where there are none. */
  max: number;
}

/** The result of a load. */
export interface LoadResult {
  /** What was asked for. */
  plan: LoadPlan;
  /** The address of the first connection, if it has one. */
  address?: string;
  /** When the warm-up ended; when it began, if the load ended before that. */
  started: Date;
  /**
   * The time from then until the last answer or the end of sending, in milliseconds; at a rate
   * until the next message would have been due.
   */
  elapsed: number;
  /** What became of the messages that count. */
  messages: {
    /** `right`, `failed` and `waiting` together. */
    sent: number;
    /** Came back as they were sent. */
    right: number;
    /** Did not, or not in time. */
    failed: number;
    /** Were under way when it ended: at a signal, or after `timeout`. */
    waiting: number;
    /** Were due by the rate but not sent, since all connections were waiting. */
    missed: number;
  };
  /** With the warm-up. */
  bytes: { sent: number; received: number };
  /** How many connections were opened, with those that replaced others. */
  connections: number;
  /** How often something went wrong. */
  errors: Record<LoadErrorKind, number>;
  /** The first errors of each kind in words, with the connection or socket, from 1. */
  examples: string[];
  /** Each of its seconds. */
  intervals: LoadInterval[];
  /** Of messages that came back as they were sent, from when they were due. */
  latencies: Latencies;
  /** Times to connect, with the handshake of TLS. */
  connects: Latencies;
}

/** How far a load is. `waiting` and `missed` are counted at its end. */
export interface LoadProgress
  extends Readonly<Pick<LoadResult, "messages" | "bytes" | "connections" | "errors">> {
  /** The time since the warm-up, in milliseconds; 0 before it ends. */
  readonly elapsed: number;
}

/** A result for another thread. */
export interface EncodedLoadResult extends Omit<LoadResult, "latencies" | "connects"> {
  readonly latencies: EncodedLatencies | null;
  readonly connects: EncodedLatencies | null;
}

type LoadCounts = Pick<LoadResult, "messages" | "bytes" | "connections" | "errors">;

function noCounts(): LoadCounts {
  return {
    messages: { sent: 0, right: 0, failed: 0, waiting: 0, missed: 0 },
    bytes: { sent: 0, received: 0 },
    connections: 0,
    errors: { connect: 0, broken: 0, lost: 0, corrupted: 0, repeated: 0, unexpected: 0 },
  };
}

export async function emptyLoadResult(plan: LoadPlan): Promise<LoadResult> {
  return {
    plan,
    started: new Date(),
    elapsed: 0,
    ...noCounts(),
    examples: [],
    intervals: [],
    latencies: await createLatencies(),
    connects: await createLatencies(),
  };
}

export function addProgress(parts: readonly LoadProgress[] = []): LoadProgress {
  const sum = { ...noCounts(), elapsed: 0 };
  for (const part of parts) {
    addCounts(sum, part);
    sum.elapsed = Math.max(sum.elapsed, part.elapsed);
  }
  return sum;
}

/** Adds a part of a load, or another load, to a sum, which is empty at first. */
export async function addLoadResult(sum: LoadResult, part: EncodedLoadResult): Promise<void> {
  sum.started = new Date(Math.min(sum.started.getTime(), part.started.getTime()));
  sum.elapsed = Math.max(sum.elapsed, part.elapsed);
  sum.address ??= part.address;
  addCounts(sum, part);
  part.intervals.forEach((interval, i) => {
    sum.intervals[i] = addInterval(sum.intervals[i] ?? emptyInterval(), interval);
  });
  const examples = [...sum.examples, ...part.examples];
  sum.examples = Object.keys(sum.errors).flatMap((kind) =>
    examples.filter((example) => example.startsWith(`${kind}:`)).slice(0, MAX_EXAMPLES)
  );
  if (part.latencies !== null) await sum.latencies.add(part.latencies);
  if (part.connects !== null) await sum.connects.add(part.connects);
}

export function emptyInterval(): LoadInterval {
  return { elapsed: 0, messages: 0, errors: 0, max: 0 };
}

export function addInterval(one: LoadInterval, other: LoadInterval): LoadInterval {
  return {
    elapsed: one.elapsed + other.elapsed,
    messages: one.messages + other.messages,
    errors: one.errors + other.errors,
    max: Math.max(one.max, other.max),
  };
}

/** All seconds of a load, from those in which something happened: later ones belong to the last. */
export function wholeIntervals(found: readonly LoadInterval[], elapsed: number): LoadInterval[] {
  // Clocks are rounded.
  const last = Math.max(0, Math.floor((elapsed + 1) / SECOND) - 1);
  return Array.from({ length: last + 1 }, (_, i) => ({
    ...found.slice(i, i < last ? i + 1 : undefined).reduce(addInterval, emptyInterval()),
    elapsed: i < last ? SECOND : elapsed - last * SECOND,
  }));
}

function addCounts(sum: LoadCounts, part: Readonly<LoadCounts>): void {
  sum.connections += part.connections;
  addTo(sum.messages, part.messages);
  addTo(sum.bytes, part.bytes);
  addTo(sum.errors, part.errors);
}

function addTo<Name extends string>(
  sum: Record<Name, number>,
  part: Readonly<Record<Name, number>>,
): void {
  for (const name in sum) sum[name] += part[name];
}

export function totalErrors({ errors }: Pick<LoadResult, "errors">): number {
  return Object.values(errors).reduce((sum, count) => sum + count, 0);
}

/** The percentage of messages that failed, of those that do not wait; undefined if there are none. */
export function failedPercent({ messages: { right, failed } }: LoadResult): number | undefined {
  return right + failed === 0 ? undefined : 100 * failed / (right + failed);
}
