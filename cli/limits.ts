// What `ping` and `load` may be told that a figure has to be, to pass as a test.
import type { Latencies } from "../client/latencies.ts";
import { formatRate, formatTime } from "../report/units.ts";
import { duration, type Kind, rate } from "../values/kinds.ts";
import { say } from "./stdio.ts";
import { UsageError } from "./usage_error.ts";

/** What a figure has to be. */
export interface Limit {
  readonly figure: string;
  /** In milliseconds, percent, or messages a second. */
  readonly bound: number;
  readonly text: string;
}

const LATENCY = /^(connect-)?(min|mean|max|p[5-9]\d(\.\d\d?)?)$/;

/** Those latencies that shells propose. */
const PROPOSED = ["min", "mean", "max", "p50", "p90", "p99", "p99.9", "connect-p99"];

function limit(
  expected: string,
  proposed: readonly string[],
  boundOf: (figure: string, value: string) => number | undefined,
): Kind<Limit> {
  return {
    placeholder: "NAME=VALUE",
    choices: proposed.map((name) => `${name}=`),
    expected,
    parse(text) {
      const [figure = "", value = ""] = text.split(/=(.*)/s);
      const bound = boundOf(figure, value);
      return bound === undefined ? undefined : { figure, bound, text };
    },
    advice(text) {
      const [figure = "", value = ""] = text.split(/=(.*)/s);
      if (LATENCY.test(figure)) return duration.advice?.(value);
      const lacksSign = figure === "loss" && boundOf(figure, `${value}%`) !== undefined;
      return lacksSign ? `is not in percent: ${text}%?` : undefined;
    },
  };
}

function latencyBound(figure: string, value: string): number | undefined {
  return LATENCY.test(figure) ? duration.parse(value) || undefined : undefined;
}

/** The most that a latency may be. */
export const latencyLimit = limit(
  "p99=5ms, or min, mean, max, p50 to p99.99, and connect-p99 for connecting",
  PROPOSED,
  latencyBound,
);

export const probeLimit = limit(
  "p99=5ms, or min, mean, max, p50 to p99.99, connect-p99 with --reconnect, or loss=1%",
  [...PROPOSED, "loss"],
  (figure, value) => {
    if (figure !== "loss") return latencyBound(figure, value);
    const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(value) ?? [];
    return percent === undefined || Number(percent) > 100 ? undefined : Number(percent);
  },
);

/** The least that the messages a second may be. */
export const rateLimit = limit(
  "rate=50k, the messages a second",
  ["rate"],
  (figure, value) => figure === "rate" ? rate.parse(value) || undefined : undefined,
);

/**
 * Refuses limits for connecting where no time for that is measured.
 *
 * @param expected what would have it measured
 * @throws {UsageError} for the first of them
 */
export function refuseConnects(most: readonly Limit[], expected: string): void {
  const limit = most.find(({ figure }) => figure.startsWith("connect-"));
  if (limit === undefined) return;
  throw new UsageError(`--at-most ${limit.text}: expected ${expected} with it`);
}

/** What limits are for. */
export interface Figures {
  readonly latencies: Latencies;
  readonly connects: Latencies;
  readonly rate?: number;
  readonly loss?: number;
}

/** Says which limits a result does not keep, and by how much; returns whether it keeps all. */
export function keepsLimits(
  figures: Figures,
  most: readonly Limit[],
  least: readonly Limit[] = [],
): boolean {
  const broken = [
    ...most.map((limit) => excess("most", limit, figures)),
    ...least.map((limit) => excess("least", limit, figures)),
  ].filter((line) => line !== undefined);
  for (const line of broken) say(`yodel: ${line}`);
  return broken.length === 0;
}

function valueOf({ figure }: Limit, { latencies, connects, rate, loss }: Figures) {
  if (figure === "rate") return rate;
  if (figure === "loss") return loss;
  const name = figure.replace("connect-", "");
  const times = name === figure ? latencies : connects;
  if (times.count === 0) return undefined;
  if (name === "min" || name === "mean" || name === "max") return times[name];
  return times.percentile(Number(name.slice(1)));
}

function excess(side: "most" | "least", limit: Limit, figures: Figures): string | undefined {
  const value = valueOf(limit, figures);
  const flag = `--at-${side} ${limit.text}`;
  if (value === undefined) return `${flag}: there was nothing to measure`;
  const [over, what] = side === "most"
    ? [value - limit.bound, "much"]
    : [limit.bound - value, "little"];
  if (over <= 0) return undefined;
  const format = formats[limit.figure] ?? formatTime;
  return `${flag}: it was ${format(value)}, ${format(over)} too ${what}`;
}

const formats: Readonly<Record<string, (value: number) => string>> = {
  rate: (value) => `${formatRate(value)}/s`,
  loss: (value) => `${Number(value.toFixed(2))}%`,
};
