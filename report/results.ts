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
   * (no connection) first. Further answers to it may follow: `late`, after it
   * was thought lost, `repeated`, or `altered` once more.
   */
  readonly outcome: "right" | "altered" | "lost" | "unsent" | "late" | "repeated";
  /** Whether this is a further answer to a probe that had its result. */
  readonly further: boolean;
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
  /** From the start to the end, in milliseconds. */
  elapsed: number;
  /** Round trips of all that came back unaltered. */
  latencies: Latencies;
  /** How long it took to connect, where every probe has a connection. */
  connects: Latencies;
  /** How long the handshakes of TLS took then. */
  handshakes: Latencies;
}
