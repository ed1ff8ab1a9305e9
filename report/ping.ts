/**
 * How the results of ping are shown: as text for people, as JSON for programs.
 *
 * @module
 */
import { latenciesJson, milliseconds } from "./json.ts";
import type { Latencies } from "../client/latencies.ts";
import type { PingSummary, ProbeResult } from "../client/results.ts";
import { listed } from "./units.ts";

/** The percentiles of a summary. */
const PERCENTILES = [50, 90, 99];

/** A line for people that says what became of a probe to an endpoint. */
export function probeText(endpoint: string, result: ProbeResult): string {
  const { seq, outcome, bytes, time, connect, handshake, error } = result;
  if (outcome === "unsent") return `cannot connect to ${endpoint}: seq=${seq} ${error}`;
  if (outcome === "lost") return `${endpoint}: seq=${seq} lost: ${error}`;
  return [
    `${bytes} bytes from ${endpoint}: seq=${seq}`,
    connect !== undefined && `connect=${connect.toFixed(3)} ms`,
    handshake !== undefined && `handshake=${handshake.toFixed(3)} ms`,
    time !== undefined && `time=${time.toFixed(3)} ms`,
    outcome !== "right" && (error === undefined ? outcome : `${outcome}: ${error}`),
  ].filter((part) => part !== false).join(" ");
}

/** What became of a probe, as JSON: a `probe` each, and an `answer` for every further one. */
export function probeJson(result: ProbeResult): Record<string, unknown> {
  const { seq, outcome, bytes, error } = result;
  const time = (value?: number) => value === undefined ? undefined : milliseconds(value);
  return {
    type: outcome === "late" || outcome === "repeated" ? "answer" : "probe",
    seq,
    outcome,
    bytes,
    time_ms: time(result.time),
    connect_ms: time(result.connect),
    handshake_ms: time(result.handshake),
    error,
  };
}

/** What became of all probes to an endpoint, in a few lines for people. */
export function summaryText(endpoint: string, summary: PingSummary): string {
  const { unsent, late, altered, repeated, surplus, elapsed } = summary;
  const { latencies, connects, handshakes } = summary;
  const { sent, received, lostPercent } = totals(summary);
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
    `--- ${endpoint} ---`,
    counts,
    ...latencyLines("time", latencies),
    ...latencyLines("connect", connects),
    ...latencyLines("handshake", handshakes),
  ].join("\n");
}

/** What became of all probes, as JSON. */
export function summaryJson(endpoint: string, summary: PingSummary): Record<string, unknown> {
  const { unsent, lost, late, altered, repeated, elapsed } = summary;
  const { sent, received, lostPercent } = totals(summary);
  return {
    type: "summary",
    endpoint,
    sent,
    unsent,
    received,
    late,
    altered,
    lost,
    repeated,
    surplus: summary.surplus,
    lost_percent: Number(lostPercent.toFixed(3)),
    elapsed_ms: milliseconds(elapsed),
    time: latenciesJson(summary.latencies, PERCENTILES),
    connect: latenciesJson(summary.connects, PERCENTILES),
    handshake: latenciesJson(summary.handshakes, PERCENTILES),
  };
}

function totals({ right, late, altered, lost, unsent }: PingSummary) {
  const received = right + late + altered;
  const sent = received + lost;
  const all = sent + unsent;
  return { sent, received, lostPercent: all === 0 ? 0 : (lost + unsent) / all * 100 };
}

function latencyLines(name: string, latencies: Latencies): string[] {
  if (latencies.count === 0) return [];
  const { min, mean, max, stddev } = latencies;
  const join = (times: number[]) => times.map((time) => time.toFixed(3)).join("/");
  return [
    `${name} min/avg/max/stddev = ${join([min, mean, max, stddev])} ms`,
    `${name} p50/p90/p99 = ${join(PERCENTILES.map((p) => latencies.percentile(p)))} ms`,
  ];
}
