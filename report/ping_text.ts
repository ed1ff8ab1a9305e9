import type { Latencies } from "../client/latencies.ts";
import type { PingSummary, ProbeResult } from "../client/ping_result.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";
import {
  formatAmount,
  formatPlace,
  listed,
  PING_PERCENTILES,
  roundedPercentile,
} from "./figures.ts";

export function startText(endpoint: Endpoint, address: string | undefined, size: number): string {
  return `PING ${formatPlace(endpoint, address)}: ${size} bytes`;
}

export function probeText(endpoint: Endpoint, result: ProbeResult): string {
  const name = formatEndpoint(endpoint);
  const { seq, outcome, bytes, time, connect, handshake, error } = result;
  if (outcome === "unsent") return `${name}: seq=${seq} cannot connect: ${error}`;
  if (outcome === "lost") return `${name}: seq=${seq} lost: ${error}`;
  const times = Object.entries({ connect, handshake, time })
    .flatMap(([what, time]) => time === undefined ? [] : [`${what}=${time.toFixed(3)} ms`]);
  const flaw = error === undefined ? outcome : `${outcome}: ${error}`;
  const line = [`${bytes} bytes from ${name}: seq=${seq}`, ...times].join(" ");
  return outcome === "right" ? line : `${line} ${flaw}`;
}

export function summaryText(summary: PingSummary): string {
  const { right, unsent, lost, late, corrupted, repeated, unexpected, elapsed } = summary;
  const { sent, lostPercent, latencies } = summary;
  const flaws = { late, corrupted, lost, "not sent": unsent, repeated, unexpected };
  const counts = listed([
    `${right} right`,
    ...Object.entries(flaws).map(([what, count]) => count > 0 && `${count} ${what}`),
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
  const percentiles = PING_PERCENTILES
    .map((percent) => Number(roundedPercentile(latencies, percent).toFixed(3)));
  return [
    `time min/avg/max/stddev = ${exact.join("/")} ms`,
    `time p50/p90/p99 = ${percentiles.join("/")} ms`,
  ];
}
