/** The length of an interval, in milliseconds. */
const LENGTH = 1000;

/** A second of a load; the last one has the rest as well. */
export interface LoadInterval {
  /** How long it was, in milliseconds. */
  readonly elapsed: number;
  /** How many messages came back as they were sent. */
  readonly messages: number;
  /** How often something went wrong. */
  readonly errors: number;
  /** The longest latency of those messages, in milliseconds; 0 where there are none. */
  readonly max: number;
}

/** Adds up the seconds of the parts of a load. A remainder belongs to the second before it. */
export function addIntervals(parts: readonly (readonly LoadInterval[])[]): LoadInterval[] {
  const length = Math.max(...parts.map((part) => part.length));
  const sums = Array.from({ length }, (_, i) => parts.flatMap((part) => part[i] ?? []).reduce(add));
  const [before, rest] = sums.slice(-2);
  // Clocks are rounded.
  if (before === undefined || rest === undefined || rest.elapsed > LENGTH - 1) return sums;
  const last = { ...add(before, rest), elapsed: before.elapsed + rest.elapsed };
  return [...sums.slice(0, -2), last];
}

function add(one: LoadInterval, other: LoadInterval): LoadInterval {
  return {
    elapsed: Math.max(one.elapsed, other.elapsed),
    messages: one.messages + other.messages,
    errors: one.errors + other.errors,
    max: Math.max(one.max, other.max),
  };
}

/** Counts what happens in each second. Times are by `performance.now()`, in milliseconds. */
export class Intervals {
  readonly #start: number;
  /** Without the seconds in which nothing happened. */
  readonly #seconds: { -readonly [Name in keyof LoadInterval]: number }[] = [];

  constructor(start: number) {
    this.#start = start;
  }

  answered(now: number, latency: number): void {
    const second = this.#at(now);
    second.messages++;
    if (latency > second.max) second.max = latency;
  }

  failed(now: number): void {
    if (now >= this.#start) this.#at(now).errors++;
  }

  /** All seconds until the end, and the rest, to which later errors belong. */
  until(end: number): LoadInterval[] {
    const elapsed = Math.max(0, end - this.#start);
    const whole = Math.max(0, Math.ceil(elapsed / LENGTH) - 1);
    const last = this.#seconds.slice(whole).reduce(add, none());
    return [
      ...Array.from({ length: whole }, (_, i) => this.#seconds[i] ?? none()),
      { ...last, elapsed: elapsed - whole * LENGTH },
    ];
  }

  #at(now: number) {
    return this.#seconds[Math.floor((now - this.#start) / LENGTH)] ??= none();
  }
}

function none() {
  return { elapsed: LENGTH, messages: 0, errors: 0, max: 0 };
}
