/**
 * The results of ping as text for people.
 *
 * @module
 */
import type { Latencies } from "../client/latencies.ts";
import type { PingSummary, ProbeResult } from "../client/ping_result.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";
import { PING_PERCENTILES } from "./figures.ts";
import { listed } from "./units.ts";

/** A line for people that says what became of a probe to an endpoint. */
export function probeText(endpoint: Endpoint, result: ProbeResult): string {
  const name = formatEndpoint(endpoint);
  const { seq, outcome, bytes, time, connect, handshake, error } = result;
  if (outcome === "unsent") return `cannot connect to ${name}: seq=${seq} ${error}`;
  if (outcome === "lost") return `${name}: seq=${seq} lost: ${error}`;
  return [
    `${bytes} bytes from ${name}: seq=${seq}`,
    connect !== undefined && `connect=${connect.toFixed(3)} ms`,
    handshake !== undefined && `handshake=${handshake.toFixed(3)} ms`,
    time !== undefined && `time=${time.toFixed(3)} ms`,
    outcome !== "right" && (error === undefined ? outcome : `${outcome}: ${error}`),
  ].filter((part) => part !== false).join(" ");
}

/** What became of all probes, in a few lines for people. */
export function summaryText(summary: PingSummary): string {
  const { unsent, late, altered, repeated, surplus, elapsed } = summary;
  const { sent, received, lostPercent, latencies, connects, handshakes } = summary;
  const counts = listed([
    `${sent} sent`,
    unsent > 0 && `${unsent} not sent`,
    `${received} received`,
    late > 0 && `${late} late`,
    altered > 0 && `${altered} altered`,
    repeated > 0 && `${repeated} repeated`,
    surplus > 0 && `${surplus} unasked`,
    `${Number(lostPercent.toFixed(2))}% lost`,
    `${(elapsed / 1000).toFixed(2)} s`,
  ]);
  return [
    `--- ${formatEndpoint(summary.endpoint)} ---`,
    counts,
    ...latencyLines("time", latencies),
    ...latencyLines("connect", connects),
    ...latencyLines("handshake", handshakes),
  ].join("\n");
}

function latencyLines(name: string, latencies: Latencies): string[] {
  if (latencies.count === 0) return [];
  const { min, mean, max, stddev } = latencies;
  const join = (times: number[]) => times.map((time) => time.toFixed(3)).join("/");
  return [
    `${name} min/avg/max/stddev = ${join([min, mean, max, stddev])} ms`,
    `${name} p50/p90/p99 = ${join(PING_PERCENTILES.map((p) => latencies.percentile(p)))} ms`,
  ];
}
