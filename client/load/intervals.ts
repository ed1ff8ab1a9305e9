// What a load found in each of its seconds.

/** How long an interval is, in milliseconds. */
const LENGTH = 1000;

/** A shorter rest belongs to the interval before it, in milliseconds. */
const SHORTEST = 100;

/** A second of a load; the last one may be shorter. */
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

/** Adds up what the parts of a load found in each second. */
export function addIntervals(parts: readonly (readonly LoadInterval[])[]): LoadInterval[] {
  const seconds = Math.max(...parts.map((part) => part.length));
  return Array.from({ length: seconds }, (_, second) => {
    const sum = parts.flatMap((part) => part[second] ?? []).reduce(add);
    // The last one of a thread that was done before others has its rest as well.
    return second < seconds - 1 ? { ...sum, elapsed: LENGTH } : sum;
  });
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
  /** Seconds in which nothing happened are left out. */
  readonly #seconds: { -readonly [Name in keyof LoadInterval]: number }[] = [];
  #start = Infinity;

  /** Nothing counts before. */
  start(from: number): void {
    this.#start = from;
  }

  answered(now: number, latency: number): void {
    const second = this.#at(now);
    second.messages++;
    if (latency > second.max) second.max = latency;
  }

  failed(now: number): void {
    if (now >= this.#start) this.#at(now).errors++;
  }

  /** All of them, where the load has ended then; what went wrong later is in the last one. */
  until(end: number): LoadInterval[] {
    const elapsed = Math.max(0, end - this.#start);
    const whole = Math.max(0, Math.ceil((elapsed - SHORTEST) / LENGTH) - 1);
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
