import { addIntervals, type LoadInterval } from "./intervals.ts";
import { createLatencies, type EncodedLatencies, type Latencies } from "../latencies.ts";
import type { LoadPlan } from "./plan.ts";

/**
 * How something went wrong: no connection (`connect`), a connection that ended with messages under
 * way (`broken`), bytes that did not come back in time (`lost`), other bytes (`corrupted`), the
 * same ones again (`repeated`), or bytes that were never sent (`unexpected`).
 */
export type LoadErrorKind = "connect" | "broken" | "lost" | "corrupted" | "repeated" | "unexpected";

/** An error, and where it happened. */
export interface LoadErrorExample {
  /** How it went wrong. */
  readonly kind: LoadErrorKind;
  /** The number of the connection, or of the socket, from 1. */
  readonly connection: number;
  /** What went wrong, in words. */
  readonly what: string;
}

/** How many errors of each kind have an example. */
export const MAX_EXAMPLES = 3;

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
    /** Came back as they were sent, and once. */
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
  /** The first errors of each kind. */
  examples: LoadErrorExample[];
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

/** A result for another thread, without its plan. */
export interface EncodedLoadResult extends Omit<LoadResult, "plan" | "latencies" | "connects"> {
  readonly latencies: EncodedLatencies;
  readonly connects: EncodedLatencies;
}

type LoadCounts = Pick<LoadResult, "messages" | "bytes" | "connections" | "errors">;

export function noCounts(): LoadCounts {
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

export async function encodeLoadResult(result: LoadResult): Promise<EncodedLoadResult> {
  const { plan: _, latencies, connects, ...figures } = result;
  return {
    ...figures,
    latencies: await latencies.encode(),
    connects: await connects.encode(),
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

/** @param sum an empty result */
export async function addLoadResults(
  sum: LoadResult,
  parts: readonly EncodedLoadResult[],
): Promise<LoadResult> {
  sum.started = new Date(Math.min(...parts.map(({ started }) => started.getTime())));
  sum.elapsed = Math.max(...parts.map(({ elapsed }) => elapsed));
  sum.address = parts.find(({ address }) => address !== undefined)?.address;
  sum.intervals = addIntervals(parts.map(({ intervals }) => intervals));
  for (const part of parts) {
    addCounts(sum, part);
    await sum.latencies.add(part.latencies);
    await sum.connects.add(part.connects);
  }
  const examples = parts.flatMap((part) => part.examples);
  sum.examples = Object.keys(sum.errors).flatMap((kind) =>
    examples.filter((example) => example.kind === kind).slice(0, MAX_EXAMPLES)
  );
  return sum;
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
  for (const name in part) sum[name] += part[name];
}

export function totalErrors({ errors }: Pick<LoadResult, "errors">): number {
  return Object.values(errors).reduce((sum, count) => sum + count, 0);
}
