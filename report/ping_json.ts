import type { PingSummary, ProbeResult } from "../client/ping_result.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { latenciesJson, milliseconds, PING_PERCENTILES } from "./figures.ts";

/** The type is `answer` for one that came after the result of its probe. */
export function probeJson(result: ProbeResult): Record<string, unknown> {
  const { seq, outcome, bytes, error } = result;
  const time = (value?: number) => value === undefined ? undefined : milliseconds(value);
  return {
    type: outcome === "late" || outcome === "repeated" ? "answer" : "probe",
    time: result.at.toISOString(),
    address: result.address ?? null,
    seq,
    outcome,
    bytes,
    time_ms: time(result.time),
    connect_ms: time(result.connect),
    handshake_ms: time(result.handshake),
    error,
  };
}

export function summaryJson(summary: PingSummary, now: Date): Record<string, unknown> {
  const { sent, unsent, received, late, corrupted, lost, repeated, lostPercent } = summary;
  return {
    type: "summary",
    time: now.toISOString(),
    endpoint: formatEndpoint(summary.endpoint),
    address: summary.address ?? null,
    sent,
    unsent,
    received,
    late,
    corrupted,
    lost,
    repeated,
    unexpected: summary.unexpected,
    last_error: summary.lastError ?? null,
    lost_percent: Number(lostPercent.toFixed(3)),
    elapsed_ms: milliseconds(summary.elapsed),
    latency: latenciesJson(summary.latencies, PING_PERCENTILES),
  };
}
