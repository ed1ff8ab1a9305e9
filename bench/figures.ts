// What a benchmark has found, and what follows from it: medians, spreads, ratios.

/** A thing that is measured of each of several programs: a line of a table. */
export interface Figure {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** Whether more of it is better, so that a share of the first program's says something. */
  readonly isSpeed: boolean;
}

/** A figure of speed. */
export function speed(name: string, title: string, unit: string): Figure {
  return { name, title, unit, isSpeed: true };
}

/** A figure of cost: time or memory. */
export function cost(name: string, title: string, unit: string): Figure {
  return { name, title, unit, isSpeed: false };
}

/** What the rounds brought, by the names of figure and program; nothing where a turn failed. */
export type Values = Record<string, Record<string, (number | null | undefined)[]>>;

/** What was measured of some programs, beside each other. */
export interface Section {
  readonly title: string;
  /** Their titles by their names; the first is what the others are compared with. */
  readonly programs: Record<string, string>;
  readonly figures: readonly Figure[];
  /** What each round brought, by the names of figure and program. */
  readonly values: Values;
}

/** A whole benchmark: what `--json` writes. */
export interface Result {
  readonly date: string;
  readonly machine: string;
  readonly versions: Record<string, string>;
  readonly rounds: number;
  readonly seconds: number;
  readonly minutes: number;
  readonly sections: readonly Section[];
}

/** Several measurements of one thing. */
export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Sums up some values; undefined where there are none. */
export function summarize(values: readonly (number | null | undefined)[]): Summary | undefined {
  const sorted = values.filter((value) => value != null).filter(isFinite).toSorted((a, b) => a - b);
  const [least, most] = [sorted.at(0), sorted.at(-1)];
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (least === undefined || most === undefined || low === undefined || high === undefined) return;
  return { median: (low + high) / 2, least, most };
}

/** What a section has of one figure of a program; undefined where it has nothing. */
export function found(section: Section, figure: Figure, program: string): Summary | undefined {
  return summarize(section.values[figure.name]?.[program] ?? []);
}

/** What a program reached in the rounds of what the first one did. */
export function share(section: Section, figure: Figure, program: string): Summary | undefined {
  const [first = ""] = Object.keys(section.programs);
  const { [program]: own = [], [first]: reference = [] } = section.values[figure.name] ?? {};
  return summarize(own.map((value, round) => (value ?? NaN) / (reference[round] ?? NaN)));
}

/** The programs of a section of which anything was measured, by their names. */
export function measured(section: Section): string[] {
  return Object.keys(section.programs)
    .filter((program) => section.figures.some((figure) => found(section, figure, program)));
}
