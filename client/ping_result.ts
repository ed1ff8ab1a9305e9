// What ping finds.
import type { Endpoint } from "../net/endpoint.ts";
import { createLatencies, type Latencies } from "./latencies.ts";

/** What became of a probe. All times are in milliseconds. */
export interface ProbeResult {
  /** The number of the probe, from 1. */
  readonly seq: number;
  /** When that was known. */
  readonly at: Date;
  /** The server's address, `127.0.0.1:2222`; undefined where it is not known or has none. */
  readonly address?: string;
  /**
   * Each probe is `right`, `corrupted`, `lost` (no answer in time) or `unsent` (no connection) first.
   * A further answer may follow: a `late` one, after it was thought lost, or a `repeated` one.
   */
  readonly outcome: "right" | "corrupted" | "lost" | "unsent" | "late" | "repeated";
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

/** What ping counts. Each probe counts in one of the numbers from `right` to `unsent`. */
export interface PingCounts {
  /** The server. */
  readonly endpoint: Endpoint;
  /** Its address, as in {@linkcode ProbeResult}; that of the last connection. */
  address?: string;
  /** Came back as they were sent, in time. */
  right: number;
  /** Came back as they were sent, after they were thought lost. */
  late: number;
  /** Came back as something else. */
  corrupted: number;
  /** Probes that were not answered. */
  lost: number;
  /** Probes that could not be sent. */
  unsent: number;
  /** Answers that came once more. */
  repeated: number;
  /** Answers to nothing that was sent. */
  unexpected: number;
  /** The error of the last result that has one. */
  lastError?: string;
  /** From the start to the end, in milliseconds. */
  elapsed: number;
  /** Round trips of all that came back uncorrupted. */
  readonly latencies: Latencies;
}

/** What ping found, with its totals. */
export interface PingSummary extends Readonly<PingCounts> {
  /** Probes that were sent, whatever became of them. */
  readonly sent: number;
  /** Probes that were answered. */
  readonly received: number;
  /** How many percent of all probes were not answered, or not even sent. */
  readonly lostPercent: number;
}

/** The counts of a ping that has not begun. */
export async function emptyPingCounts(endpoint: Endpoint): Promise<PingCounts> {
  return {
    endpoint,
    right: 0,
    late: 0,
    corrupted: 0,
    lost: 0,
    unsent: 0,
    repeated: 0,
    unexpected: 0,
    elapsed: 0,
    latencies: await createLatencies(),
  };
}

/** Adds the totals. */
export function summarize(counts: PingCounts): PingSummary {
  const { right, late, corrupted, lost, unsent } = counts;
  const received = right + late + corrupted;
  const sent = received + lost;
  const all = sent + unsent;
  return { ...counts, sent, received, lostPercent: all === 0 ? 0 : (lost + unsent) / all * 100 };
}

/**
 * Whether every probe came back as it was sent, in time and once, and nothing else did.
 *
 * @param lossIsFine whether those do that were lost or could not be sent
 */
export function isAllRight(summary: PingSummary, lossIsFine = false): boolean {
  const { late, corrupted, lost, unsent, repeated, unexpected } = summary;
  if (late + corrupted + repeated + unexpected > 0) return false;
  return lossIsFine || lost + unsent === 0;
}
