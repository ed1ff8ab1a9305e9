// Limits that figures of `ping` and `load` must keep: --at-most and --at-least.
import type { Latencies } from "../client/latencies.ts";
import { formatRate, formatTime } from "../report/units.ts";
import { duration, rate, type ValueType } from "../values/value_types.ts";
import { printError } from "./stdio.ts";

export interface Limit {
  readonly figure: string;
  /** Milliseconds, percent, or messages a second. */
  readonly bound: number;
  readonly text: string;
}

const LATENCY = /^(min|mean|max|p[5-9]\d(\.\d\d?)?)$/;

const OFFERED = ["min", "mean", "max", "p50", "p90", "p99", "p99.9"];

function limit(
  expected: string,
  offered: readonly string[],
  boundOf: (figure: string, value: string) => number | undefined,
): ValueType<Limit> {
  return {
    placeholder: "NAME=VALUE",
    choices: offered.map((name) => `${name}=`),
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

export const latencyLimit = limit(
  "p99=5ms, or min, mean, max, p50 to p99.99",
  OFFERED,
  latencyBound,
);

export const probeLimit = limit(
  "p99=5ms, or min, mean, max, p50 to p99.99, or loss=1%",
  [...OFFERED, "loss"],
  (figure, value) => {
    if (figure !== "loss") return latencyBound(figure, value);
    const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(value) ?? [];
    return percent === undefined || Number(percent) > 100 ? undefined : Number(percent);
  },
);

export const rateLimit = limit(
  "rate=50k, the messages a second",
  ["rate"],
  (figure, value) => figure === "rate" ? rate.parse(value) || undefined : undefined,
);

export interface Figures {
  readonly latencies: Latencies;
  readonly rate?: number;
  readonly loss?: number;
}

/** Prints which limits a result breaks, and by how much; returns whether it keeps all. */
export function keepsLimits(
  figures: Figures,
  most: readonly Limit[],
  least: readonly Limit[] = [],
): boolean {
  const broken = [
    ...most.map((limit) => excess("most", limit, figures)),
    ...least.map((limit) => excess("least", limit, figures)),
  ].filter((line) => line !== undefined);
  for (const line of broken) printError(`yodel: ${line}`);
  return broken.length === 0;
}

function valueOf({ figure }: Limit, { latencies, rate, loss }: Figures) {
  if (figure === "rate") return rate;
  if (figure === "loss") return loss;
  if (latencies.count === 0) return undefined;
  if (figure === "min" || figure === "mean" || figure === "max") return latencies[figure];
  return latencies.percentile(Number(figure.slice(1)));
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
