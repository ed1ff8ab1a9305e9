/**
 * The results of a load as text for people.
 *
 * @module
 */
import type { Latencies } from "../client/latencies.ts";
import type { LoadResult } from "../client/load/result.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { LOAD_PERCENTILES, perSecond, RANGES, whatWentWrong } from "./figures.ts";
import { formatAmount, formatBytes, formatCount, formatRate, formatTime, listed } from "./units.ts";

/**
 * The results in words and a picture.
 *
 * @param width how many characters a line may have
 */
export function loadText(result: LoadResult, width: number): string {
  const { endpoint, connections, size, pipeline, rate, reconnect, timeout } = result.plan;
  const { messages, elapsed, gaveUp, latencies, connects } = result;
  const shape = [
    formatAmount(connections, endpoint.scheme === "udp" ? "socket" : "connection"),
    reconnect && "each message over a new one",
    pipeline > 1 && `${pipeline} messages under way on each`,
    `${formatCount(size)}-byte messages`,
    `${(elapsed / 1000).toFixed(2)} s`,
  ];
  const throughput = perSecond(messages.right, elapsed);
  const counts = [
    `${formatCount(messages.right)} came back right`,
    messages.failed > 0 && `${formatCount(messages.failed)} did not`,
    messages.waiting > 0 && `${formatCount(messages.waiting)} under way at the end`,
  ];
  const lines = [
    `${formatEndpoint(endpoint)}: ${listed(shape)}`,
    "",
    `messages    ${listed(counts)}`,
    `throughput  ${formatRate(throughput)} messages/s, ${
      formatBytes(throughput * size)
    }/s each way`,
    ...rateLines(rate, messages.missed),
    ...gaveUp ? [`gave up     no connection for ${formatTime(timeout)}`] : [],
    ...connectLines(connects),
    ...errorLines(result),
    ...whatWentWrong(result).map((example) => `            ${example}`),
    ...latencyLines(latencies),
    ...picture(latencies, width),
  ];
  return lines.join("\n") + "\n";
}

function rateLines(rate: number, missed: number): string[] {
  if (rate === 0) return [];
  const late = missed === 0
    ? ""
    : `; ${formatCount(missed)} messages were due and not sent in time`;
  return [`rate        ${formatCount(rate)} messages/s asked for${late}`];
}

function connectLines(connects: Latencies): string[] {
  if (connects.count === 0) return [];
  const { count, max } = connects;
  return [
    `connecting  ${formatCount(count)} opened, p50 ${formatTime(connects.percentile(50))}, ` +
    `p99 ${formatTime(connects.percentile(99))}, max ${formatTime(max)}`,
  ];
}

function errorLines(result: LoadResult): string[] {
  const kinds = Object.entries(result.errors)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${formatCount(count)} ${kind}`);
  return [`errors      ${kinds.length === 0 ? "none" : kinds.join(", ")}`];
}

function latencyLines(latencies: Latencies): string[] {
  if (latencies.count === 0) return [];
  const { min, mean, stddev, max } = latencies;
  const figures = [
    ["min", min],
    ["mean", mean],
    ["stddev", stddev],
    ...LOAD_PERCENTILES.map((percent) => [`p${percent}`, latencies.percentile(percent)] as const),
    ["max", max],
  ] as const;
  return [
    "",
    ...figures.map(([name, time], i) =>
      `${i === 0 ? "latency" : "       "}     ${name.padEnd(7)} ${formatTime(time).padStart(8)}`
    ),
  ];
}

/** The distribution, each line a range of latencies and its share of the messages. */
function picture(latencies: Latencies, width: number): string[] {
  const ranges = latencies.distribution(RANGES);
  if (ranges.length === 0) return [];
  const most = Math.max(...ranges.map(({ count }) => count));
  const room = Math.max(0, width - "1.00 µs - 1.00 µs".length - 4 - " 100.00%".length);
  return [
    "",
    ...ranges.map(({ from, to, count }) => {
      const bar = "#".repeat(Math.ceil(count / most * room));
      const share = `${(count / latencies.count * 100).toFixed(2)}%`;
      const range = `${formatTime(from).padStart(7)} - ${formatTime(to).padStart(7)}`;
      return `${range}  ${bar.padEnd(room)} ${share.padStart(7)}`;
    }),
  ];
}
