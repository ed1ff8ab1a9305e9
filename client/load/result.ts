// What a load finds, and the arithmetic of it.
import { addIntervals, type LoadInterval } from "./intervals.ts";
import { createLatencies, type EncodedLatencies, type Latencies } from "../latencies.ts";
import type { LoadPlan } from "./plan.ts";

/**
 * How something went wrong: no connection (`connect`), a connection that broke
 * or was ended with messages under way (`broken`), bytes that did not come back
 * in time (`lost`), other bytes (`corrupted`), the same ones again (`repeated`),
 * or bytes that were never sent (`unexpected`).
 */
export type LoadErrorKind = "connect" | "broken" | "lost" | "corrupted" | "repeated" | "unexpected";

/** An error, where it happened and what it was. */
export interface LoadErrorExample {
  /** How it went wrong. */
  readonly kind: LoadErrorKind;
  /** The number of the connection, or of the socket, from 1. */
  readonly connection: number;
  /** What went wrong, in words. */
  readonly what: string;
}

/** How many errors of each kind are told in words. */
export const MAX_EXAMPLES = 3;

/** What a load found. */
export interface LoadResult {
  /** What was to be done. */
  plan: LoadPlan;
  /** The address that the first connection went to; undefined where there was none or it has none. */
  address?: string;
  /** When the first message that counts was due; when it began, where it ended before that. */
  started: Date;
  /**
   * From then on until the last answer, or until no more was sent, in milliseconds; at a rate
   * until the next message would have been due.
   */
  elapsed: number;
  /** What became of the messages that count. */
  messages: {
    /** As many as `right`, `failed` and `waiting` together. */
    sent: number;
    /** Came back as they were sent, and once. */
    right: number;
    /** Did not, or not in time. */
    failed: number;
    /** Were under way when it ended: at a signal, or when they had had time to come back. */
    waiting: number;
    /** Were due by the rate and could not be sent, since all connections were waiting. */
    missed: number;
  };
  /** What passed from the first connection on, in bytes. */
  bytes: { sent: number; received: number };
  /** How many connections were opened. */
  connections: number;
  /** How often something went wrong. */
  errors: Record<LoadErrorKind, number>;
  /** The first errors of each kind. */
  examples: LoadErrorExample[];
  /** Each of its seconds. */
  intervals: LoadInterval[];
  /** How long messages took, from when they were due, in those that came back as they were sent. */
  latencies: Latencies;
  /** How long it took to connect, with the handshake of TLS. */
  connects: Latencies;
}

/** How far a load is. `waiting` and `missed` are counted at its end. */
export interface LoadProgress
  extends Readonly<Pick<LoadResult, "messages" | "bytes" | "connections" | "errors">> {
  /** For how long messages have counted, in milliseconds; 0 before they do. */
  readonly elapsed: number;
}

/** A result on its way between threads, which know the plan. */
export interface EncodedLoadResult extends Omit<LoadResult, "plan" | "latencies" | "connects"> {
  readonly latencies: EncodedLatencies;
  readonly connects: EncodedLatencies;
}

/** What is counted while a load runs. */
type LoadCounts = Pick<LoadResult, "messages" | "bytes" | "connections" | "errors">;

/** The counts of a load that has not begun. */
export function noCounts(): LoadCounts {
  return {
    messages: { sent: 0, right: 0, failed: 0, waiting: 0, missed: 0 },
    bytes: { sent: 0, received: 0 },
    connections: 0,
    errors: { connect: 0, broken: 0, lost: 0, corrupted: 0, repeated: 0, unexpected: 0 },
  };
}

/** The result of a load that has not begun. */
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

/** Writes a result so that another thread can add it to others. */
export async function encodeLoadResult(result: LoadResult): Promise<EncodedLoadResult> {
  const { plan: _, latencies, connects, ...figures } = result;
  return {
    ...figures,
    latencies: await latencies.encode(),
    connects: await connects.encode(),
  };
}

/** How far the threads of a load are together; without any, it has not begun. */
export function addProgress(parts: readonly LoadProgress[] = []): LoadProgress {
  const sum = { ...noCounts(), elapsed: 0 };
  for (const part of parts) {
    addCounts(sum, part);
    sum.elapsed = Math.max(sum.elapsed, part.elapsed);
  }
  return sum;
}

/** Adds up what the parts of a load found, in an empty result. */
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

/** Adds each number of a record to that of another. */
function addTo<Name extends string>(
  sum: Record<Name, number>,
  part: Readonly<Record<Name, number>>,
): void {
  for (const name in part) sum[name] += part[name];
}

/** How often something went wrong, in whatever way. */
export function totalErrors({ errors }: Pick<LoadResult, "errors">): number {
  return Object.values(errors).reduce((sum, count) => sum + count, 0);
}
