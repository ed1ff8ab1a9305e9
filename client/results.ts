/**
 * What the measuring clients find.
 *
 * @module
 */
import type { Latencies } from "./latencies.ts";

/** What became of a probe. All times are in milliseconds. */
export interface ProbeResult {
  /** The number of the probe, from 1. */
  readonly seq: number;
  /**
   * Each probe is `right`, `altered`, `lost` (no answer in time) or `unsent`
   * (no connection) first. A further answer may follow: a `late` one, after it
   * was thought lost, or a `repeated` one.
   */
  readonly outcome: "right" | "altered" | "lost" | "unsent" | "late" | "repeated";
  /** How many bytes came back. */
  readonly bytes?: number;
  /** From sending it to the last byte of its answer. */
  readonly time?: number;
  /** How long it took to connect, where a connection was opened for it. */
  readonly connect?: number;
  /** How long the handshake of TLS took after that. */
  readonly handshake?: number;
  /** What was wrong, in words. */
  readonly error?: string;
}

/** What ping found. Each probe counts in one of the numbers from `right` to `unsent`. */
export interface PingSummary {
  right: number;
  late: number;
  altered: number;
  /** Probes that were not answered. */
  lost: number;
  /** Probes that could not be sent. */
  unsent: number;
  /** Answers that came once more. */
  repeated: number;
  /** Answers to nothing that was sent. */
  surplus: number;
  /** From the start to the end, in milliseconds. */
  elapsed: number;
  /** Round trips of all that came back unaltered. */
  latencies: Latencies;
  /** How long it took to connect, where every probe has a connection. */
  connects: Latencies;
  /** How long the handshakes of TLS took then. */
  handshakes: Latencies;
}

/** The ways in which a load can go wrong. */
export const LOAD_ERROR_KINDS = [
  "connect",
  "broken",
  "lost",
  "altered",
  "repeated",
  "surplus",
] as const;

/**
 * How something went wrong: no connection (`connect`), a connection that broke
 * or was ended with messages under way (`broken`), bytes that did not come back
 * in time (`lost`), other bytes (`altered`), the same ones again (`repeated`),
 * or bytes that were never sent (`surplus`).
 */
export type LoadErrorKind = typeof LOAD_ERROR_KINDS[number];

/** What a load found. */
export interface LoadResult {
  /** When the first message that counts was due. */
  started: Date;
  /** From then on until the last answer, or until no more was sent, in milliseconds. */
  elapsed: number;
  messages: {
    /** As many as `right`, `failed` and `waiting` together. */
    sent: number;
    /** Came back as they were sent. */
    right: number;
    failed: number;
    /** Were under way when a signal ended it. */
    waiting: number;
    /** Were due by the rate and could not be sent, since all connections were waiting. */
    missed: number;
  };
  /** What passed from the first connection on, in bytes. */
  bytes: { sent: number; received: number };
  /** How many connections were opened. */
  connections: number;
  /** Whether it ended before its messages did, as no connection could be opened any more. */
  gaveUp: boolean;
  /** How often something went wrong. */
  errors: Record<LoadErrorKind, number>;
  /** The first errors of each kind, in words. */
  examples: string[];
  /** How long messages took, from when they were due, in those that came back right. */
  latencies: Latencies;
  /** How long it took to connect, with the handshake of TLS. */
  connects: Latencies;
}

/** How far a load is. */
export interface LoadProgress {
  /** How many connections were opened. */
  connections: number;
  /** For how long messages have counted, in milliseconds; 0 before they do. */
  elapsed: number;
  /** How many messages that count came back as they were sent. */
  right: number;
  /** How often something went wrong. */
  errors: number;
}

/** How often something went wrong, in whatever way. */
export function totalErrors({ errors }: Pick<LoadResult, "errors">): number {
  return Object.values(errors).reduce((sum, count) => sum + count, 0);
}
