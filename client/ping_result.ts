import type { Endpoint } from "../net/endpoint.ts";
import type { Latencies } from "./latencies.ts";

/** The result of a probe, or a further answer to it. All times are in milliseconds. */
export interface ProbeResult {
  /** The number of the probe, from 1. */
  readonly seq: number;
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
  /** How long connecting took, if a connection was opened for it, except for the first one. */
  readonly connect?: number;
  /** How long the TLS handshake took after that. */
  readonly handshake?: number;
  /** What went wrong. */
  readonly error?: string;
}

/** What a ping measured. Each probe is in one of the counts from `right` to `unsent`. */
export interface PingSummary {
  /** The server. */
  readonly endpoint: Endpoint;
  /** The address of the last connection, as in {@linkcode ProbeResult}. */
  readonly address?: string;
  /** Probes that came back as they were sent, in time. */
  readonly right: number;
  /** Probes that came back as they were sent, after their timeout. */
  readonly late: number;
  /** Probes whose answer differs. */
  readonly corrupted: number;
  /** Probes that were not answered. */
  readonly lost: number;
  /** Probes that could not be sent. */
  readonly unsent: number;
  /** Answers that came again. */
  readonly repeated: number;
  /** Answers to nothing that was sent. */
  readonly unexpected: number;
  /** Probes that were sent. */
  readonly sent: number;
  /** Probes that were answered. */
  readonly received: number;
  /** The percentage of probes that were lost or not sent. */
  readonly lostPercent: number;
  /** The error of the last result that has one. */
  readonly lastError?: string;
  /** From the start to the end, in milliseconds. */
  readonly elapsed: number;
  /** The round trips of `right` and `late`. */
  readonly latencies: Latencies;
}

/** Adds the totals. */
export function summarize(
  found: Omit<PingSummary, "sent" | "received" | "lostPercent">,
): PingSummary {
  const { right, late, corrupted, lost, unsent } = found;
  const received = right + late + corrupted;
  const sent = received + lost;
  const lostPercent = 100 * (lost + unsent) / (sent + unsent || 1);
  return { ...found, sent, received, lostPercent };
}

/**
 * Whether every probe came back as it was sent, in time and once, and nothing else did.
 *
 * @param allowsLoss whether probes may be lost or unsent
 */
export function isAllRight(summary: PingSummary, allowsLoss = false): boolean {
  const { late, corrupted, lost, unsent, repeated, unexpected } = summary;
  return late + corrupted + repeated + unexpected + (allowsLoss ? 0 : lost + unsent) === 0;
}
