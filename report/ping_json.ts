import type { PingSummary, ProbeResult } from "../client/ping_result.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { latenciesJson, milliseconds, PING_PERCENTILES } from "./figures.ts";

/** The type is `answer` for one that came after the result of its probe. */
export function probeJson(result: ProbeResult, now: Date): Record<string, unknown> {
  const { seq, outcome, bytes, error } = result;
  const time = (value?: number) => value === undefined ? undefined : milliseconds(value);
  return {
    type: outcome === "late" || outcome === "repeated" ? "answer" : "probe",
    time: now.toISOString(),
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
  const { endpoint, address, lastError, lostPercent, elapsed, latencies, ...counts } = summary;
  return {
    type: "summary",
    time: now.toISOString(),
    endpoint: formatEndpoint(endpoint),
    address: address ?? null,
    ...counts,
    last_error: lastError ?? null,
    lost_percent: Number(lostPercent.toFixed(3)),
    elapsed_ms: milliseconds(elapsed),
    latency: latenciesJson(latencies, PING_PERCENTILES),
  };
}
