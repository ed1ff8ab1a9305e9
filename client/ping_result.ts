import type { Endpoint } from "../net/endpoint.ts";
import { createLatencies, type Latencies } from "./latencies.ts";

/** The result of a probe, or a further answer to it. All times are in milliseconds. */
export interface ProbeResult {
  /** The number of the probe, from 1. */
  readonly seq: number;
  /** When it was known. */
  readonly at: Date;
  /** The server's address, `127.0.0.1:2222`; undefined where it is not known or has none. */
  readonly address?: string;
  /**
   * Each probe has one of `right`, `corrupted`, `lost` (no answer in time) and `unsent` (no
   * connection). A further answer is `late`, after the probe was lost, or `repeated`.
   */
  readonly outcome: "right" | "corrupted" | "lost" | "unsent" | "late" | "repeated";
  /** How many bytes came back. */
  readonly bytes?: number;
  /** From sending it to the last byte of its answer. */
  readonly time?: number;
  /** How long connecting took, with `reconnect`. */
  readonly connect?: number;
  /** How long the TLS handshake took after that. */
  readonly handshake?: number;
  /** What went wrong. */
  readonly error?: string;
}

/** The counts of ping. Each probe is in one of those from `right` to `unsent`. */
export interface PingCounts {
  /** The server. */
  readonly endpoint: Endpoint;
  /** The address of the last connection, as in {@linkcode ProbeResult}. */
  address?: string;
  /** Probes that came back as they were sent, in time. */
  right: number;
  /** Probes that came back as they were sent, after their timeout. */
  late: number;
  /** Probes whose answer differs. */
  corrupted: number;
  /** Probes that were not answered. */
  lost: number;
  /** Probes that could not be sent. */
  unsent: number;
  /** Answers that came again. */
  repeated: number;
  /** Answers to nothing that was sent. */
  unexpected: number;
  /** The error of the last result that has one. */
  lastError?: string;
  /** From the start to the end, in milliseconds. */
  elapsed: number;
  /** The round trips of `right` and `late`. */
  readonly latencies: Latencies;
}

/** The counts of ping, with totals. */
export interface PingSummary extends Readonly<PingCounts> {
  /** Probes that were sent. */
  readonly sent: number;
  /** Probes that were answered. */
  readonly received: number;
  /** The percentage of probes that were lost or not sent. */
  readonly lostPercent: number;
}

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

export function summarize(counts: PingCounts): PingSummary {
  const { right, late, corrupted, lost, unsent } = counts;
  const received = right + late + corrupted;
  const sent = received + lost;
  const all = sent + unsent;
  return { ...counts, sent, received, lostPercent: all === 0 ? 0 : 100 * (lost + unsent) / all };
}

/**
 * Whether every probe came back as it was sent, in time and once, and nothing else did.
 *
 * @param allowsLoss whether probes may be lost or unsent
 */
export function isAllRight(summary: PingSummary, allowsLoss = false): boolean {
  const { late, corrupted, lost, unsent, repeated, unexpected } = summary;
  if (late + corrupted + repeated + unexpected > 0) return false;
  return allowsLoss || lost + unsent === 0;
}
