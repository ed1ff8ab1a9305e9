/**
 * How the results of load are shown: as text for people, as JSON for programs.
 *
 * @module
 */
import { latenciesJson, milliseconds } from "./json.ts";
import type { Latencies } from "../client/latencies.ts";
import { type LoadProgress, type LoadResult, totalErrors } from "../client/results.ts";
import { formatAmount, formatBytes, formatCount, formatRate, formatTime, listed } from "./units.ts";

/** The percentiles that are shown. */
const PERCENTILES = [50, 75, 90, 95, 99, 99.9, 99.99];

/** How many ranges the picture of the distribution has. */
const RANGES = 12;

/** What was asked for, as far as the results are read with it. Times are in milliseconds. */
export interface LoadSettings {
  readonly endpoint: string;
  readonly connections: number;
  readonly size: number;
  readonly pipeline: number;
  /** 0: no limit. */
  readonly duration: number;
  /** 0: no limit. */
  readonly messages: number;
  /** 0: no rate. */
  readonly rate: number;
  readonly warmUp: number;
  /** 0: no limit. */
  readonly connectRate: number;
  readonly reconnect: boolean;
  readonly workers: number;
  /** 0: no limit. */
  readonly timeout: number;
}

/**
 * The results in words and a picture.
 *
 * @param width how many characters a line may have
 */
export function loadText(settings: LoadSettings, result: LoadResult, width: number): string {
  const { endpoint, connections, size, pipeline, rate, reconnect } = settings;
  const { messages, elapsed, gaveUp, latencies, connects, examples } = result;
  const shape = [
    formatAmount(connections, endpoint.startsWith("udp:") ? "socket" : "connection"),
    reconnect && "each message over a new one",
    pipeline > 1 && `${pipeline} messages under way on each`,
    `${formatCount(size)}-byte messages`,
    `${(elapsed / 1000).toFixed(2)} s`,
  ];
  const perSecond = rateOf(messages.right, elapsed);
  const counts = [
    `${formatCount(messages.right)} came back right`,
    messages.failed > 0 && `${formatCount(messages.failed)} did not`,
    messages.waiting > 0 && `${formatCount(messages.waiting)} under way at the end`,
  ];
  const lines = [
    `${endpoint}: ${listed(shape)}`,
    "",
    `messages    ${listed(counts)}`,
    `throughput  ${formatRate(perSecond)} messages/s, ${formatBytes(perSecond * size)}/s each way`,
    ...rateLines(rate, messages.missed),
    ...gaveUp ? [`gave up     no connection for ${formatTime(settings.timeout)}`] : [],
    ...connectLines(connects),
    ...errorLines(result),
    ...examples.map((example) => `            ${example}`),
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
    ...PERCENTILES.map((percent) => [`p${percent}`, latencies.percentile(percent)] as const),
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

/** The results as JSON; load.schema.json describes it. */
export function loadJson(settings: LoadSettings, result: LoadResult): Record<string, unknown> {
  const { messages, elapsed, bytes, errors, examples, latencies, connects } = result;
  return {
    ...settingsJson(settings),
    error: null,
    started: result.started.toISOString(),
    elapsed_ms: milliseconds(elapsed),
    messages,
    messages_per_s: perSecondJson(messages.right, elapsed),
    bytes_per_s: perSecondJson(messages.right * settings.size, elapsed),
    bytes,
    connections_opened: result.connections,
    gave_up: result.gaveUp,
    errors: { total: totalErrors(result), ...errors },
    error_examples: examples,
    latency: latenciesJson(latencies, PERCENTILES),
    connect: latenciesJson(connects, PERCENTILES),
    distribution: latencies.distribution(RANGES).map(({ from, to, count }) => ({
      from_ms: milliseconds(from),
      to_ms: milliseconds(to),
      count,
    })),
  };
}

/** What there is to say as JSON of a load that could not run. */
export function failedLoadJson(settings: LoadSettings, error: string): Record<string, unknown> {
  return { ...settingsJson(settings), error };
}

function settingsJson(settings: LoadSettings): Record<string, unknown> {
  const { endpoint, connections, size, pipeline, warmUp, reconnect, workers } = settings;
  const orNull = (limit: number) => limit === 0 ? null : limit;
  return {
    endpoint,
    settings: {
      connections,
      size_bytes: size,
      pipeline,
      duration_ms: orNull(settings.duration),
      messages: orNull(settings.messages),
      rate_per_s: orNull(settings.rate),
      warm_up_ms: warmUp,
      connect_rate_per_s: orNull(settings.connectRate),
      reconnect,
      workers,
      timeout_ms: orNull(settings.timeout),
    },
  };
}

/** How far a load is, in one line, with the messages a second since `before`. */
export function progressText(
  { duration, messages, size, connections }: LoadSettings,
  now: LoadProgress,
  before: LoadProgress,
): string {
  if (now.elapsed === 0) {
    if (now.connections >= connections) return "warming up";
    return `${formatCount(now.connections)} of ${formatCount(connections)} connections open`;
  }
  const perSecond = rateOf(now.right - before.right, now.elapsed - before.elapsed);
  const left = Math.max(0, duration - now.elapsed);
  return listed([
    duration > 0 && `${Math.ceil(left / 1000)} s left`,
    messages > 0 && `${formatCount(now.right)} of ${formatCount(messages)} messages`,
    `${formatRate(perSecond)} messages/s`,
    `${formatBytes(perSecond * size)}/s`,
    formatAmount(now.errors, "error"),
  ]);
}

function rateOf(count: number, time: number): number {
  return time > 0 ? count / time * 1000 : 0;
}

function perSecondJson(count: number, time: number): number {
  return Number(rateOf(count, time).toFixed(3));
}
