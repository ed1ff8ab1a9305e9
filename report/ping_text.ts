import type { Latencies } from "../client/latencies.ts";
import type { PingSummary, ProbeResult } from "../client/ping_result.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";
import { PING_PERCENTILES, roundedPercentile } from "./figures.ts";
import { formatAmount, formatPlace, listed } from "./units.ts";

export function startText(endpoint: Endpoint, address: string | undefined, size: number): string {
  return `PING ${formatPlace(endpoint, address)}: ${size} bytes`;
}

export function probeText(endpoint: Endpoint, result: ProbeResult): string {
  const name = formatEndpoint(endpoint);
  const { seq, outcome, bytes, time, connect, handshake, error } = result;
  if (outcome === "unsent") return `${name}: seq=${seq} cannot connect: ${error}`;
  if (outcome === "lost") return `${name}: seq=${seq} lost: ${error}`;
  return [
    `${bytes} bytes from ${name}: seq=${seq}`,
    connect !== undefined && `connect=${connect.toFixed(3)} ms`,
    handshake !== undefined && `handshake=${handshake.toFixed(3)} ms`,
    time !== undefined && `time=${time.toFixed(3)} ms`,
    outcome !== "right" && (error === undefined ? outcome : `${outcome}: ${error}`),
  ].filter((part) => part !== false).join(" ");
}

export function summaryText(summary: PingSummary): string {
  const { right, unsent, lost, late, corrupted, repeated, unexpected, elapsed } = summary;
  const { sent, lostPercent, latencies } = summary;
  const counts = listed([
    `${right} right`,
    late > 0 && `${late} late`,
    corrupted > 0 && `${corrupted} corrupted`,
    lost > 0 && `${lost} lost`,
    unsent > 0 && `${unsent} not sent`,
    repeated > 0 && `${repeated} repeated`,
    unexpected > 0 && `${unexpected} unexpected`,
    // 99.9 % is not 100 %.
    `${Number(lostPercent.toPrecision(lostPercent > 99 ? 4 : 2))}% lost`,
    `${(elapsed / 1000).toFixed(2)} s`,
  ]);
  return [
    `--- ${formatEndpoint(summary.endpoint)} ---`,
    `${formatAmount(sent + unsent, "probe")}: ${counts}`,
    ...latencyLines(latencies),
  ].join("\n");
}

function latencyLines(latencies: Latencies): string[] {
  if (latencies.count === 0) return [];
  const { min, mean, max, stddev } = latencies;
  const exact = [min, mean, max, stddev].map((time) => time.toFixed(3));
  const percentiles = PING_PERCENTILES.map((p) => roundedPercentile(latencies, p))
    // An extreme is exact.
    .map((time) => time === min || time === max ? time.toFixed(3) : String(time));
  return [
    `time min/avg/max/stddev = ${exact.join("/")} ms`,
    `time p50/p90/p99 = ${percentiles.join("/")} ms`,
  ];
}
