// Limits that figures of `ping` and `load` must keep: --at-most and --at-least.
import type { Latencies } from "../client/latencies.ts";
import { formatRate, formatTime } from "../report/figures.ts";
import { duration, rate, type ValueType } from "../values/value_types.ts";
import { printError } from "./stdio.ts";

export interface Limit {
  readonly figure: string;
  readonly bound: number;
  readonly text: string;
}

/** How the value of a figure is read and shown. */
interface Unit extends Pick<ValueType<number>, "parse"> {
  format(value: number): string;
}

const TIME: Unit = { ...duration, format: formatTime };

const RATE: Unit = { ...rate, format: (value) => `${formatRate(value)}/s` };

const PERCENT: Unit = {
  parse(text) {
    const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
    return Number(percent) <= 100 ? Number(percent) : undefined;
  },
  format: (value) => `${Number(value.toFixed(2))}%`,
};

function unitOf(figure: string): Unit {
  return figure === "rate" ? RATE : figure === "loss" ? PERCENT : TIME;
}

function limit(expected: string, offered: readonly string[], figures: RegExp): ValueType<Limit> {
  return {
    placeholder: "NAME=VALUE",
    choices: offered.map((name) => `${name}=`),
    expected,
    parse(text) {
      const [figure = "", value = ""] = text.split(/=(.*)/s);
      const bound = figures.test(figure) ? unitOf(figure).parse(value) : undefined;
      return bound === undefined ? undefined : { figure, bound, text };
    },
  };
}

export const upperLimit = limit(
  "p99=5ms, or min, mean, max, p50 to p99.99, or loss=1%",
  ["min", "mean", "max", "p50", "p90", "p99", "p99.9", "loss"],
  /^(min|mean|max|loss|p[5-9]\d(\.\d\d?)?)$/,
);

export const lowerLimit = limit("rate=50k, the messages a second", ["rate"], /^rate$/);

export interface Figures {
  readonly latencies: Latencies;
  /** Messages a second. */
  readonly rate?: number;
  /** In percent. */
  readonly loss?: number;
}

/** Prints the limits that a result breaks; returns whether it keeps all. */
export function keepsLimits(figures: Figures, limits: readonly Limit[]): boolean {
  const broken = limits.filter(({ figure, bound, text }) => {
    const value = valueOf(figure, figures);
    const [flag, isKept] = figure === "rate"
      ? ["--at-least", Number(value) >= bound]
      : ["--at-most", Number(value) <= bound];
    if (isKept) return false;
    const was = value === undefined
      ? "nothing was measured"
      : `it was ${unitOf(figure).format(value)}`;
    printError(`yodel: ${flag} ${text}: ${was}`);
    return true;
  });
  return broken.length === 0;
}

function valueOf(figure: string, { latencies, rate, loss }: Figures): number | undefined {
  if (figure === "rate") return rate;
  if (figure === "loss") return loss;
  if (latencies.count === 0) return undefined;
  if (figure === "min" || figure === "mean" || figure === "max") return latencies[figure];
  return latencies.percentile(Number(figure.slice(1)));
}
