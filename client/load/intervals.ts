// What a load found in each of its seconds.

/** How long an interval is, in milliseconds. */
const LENGTH = 1000;

/** A rest that is shorter belongs to the interval before it, in milliseconds. */
const SHORTEST = 100;

/** How many latencies are told from each other between one and its double: each to 1 %. */
const STEPS = 32;

/** How many are told from each other in all: 1 µs to over an hour. */
const BUCKETS = 32 * STEPS;

/** A second of a load; the last one may be shorter. */
export interface LoadInterval {
  /** How long it was, in milliseconds. */
  readonly elapsed: number;
  /** How many messages came back as they were sent. */
  readonly messages: number;
  /** How often something went wrong. */
  readonly errors: number;
  /** How many messages took how long, for {@linkcode intervalPercentile}. */
  readonly counts: Uint32Array;
}

/** The latency that `percent` percent of an interval's messages do not exceed, in milliseconds. */
export function intervalPercentile({ messages, counts }: LoadInterval, percent: number): number {
  let left = Math.ceil(messages * percent / 100);
  const bucket = counts.findIndex((count) => (left -= count) <= 0);
  return 2 ** ((bucket + 0.5) / STEPS) / 1000;
}

function bucketOf(latency: number): number {
  const bucket = Math.floor(Math.log2(latency * 1000) * STEPS);
  return Math.max(0, Math.min(bucket, BUCKETS - 1));
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
  const length = Math.max(one.counts.length, other.counts.length);
  return {
    elapsed: Math.max(one.elapsed, other.elapsed),
    messages: one.messages + other.messages,
    errors: one.errors + other.errors,
    counts: Uint32Array.from({ length }, (_, i) => (one.counts[i] ?? 0) + (other.counts[i] ?? 0)),
  };
}

/** Counts what happens in each second. Times are by `performance.now()`, in milliseconds. */
export class Intervals {
  readonly #closed: LoadInterval[] = [];
  #start = Infinity;
  #messages = 0;
  #errors = 0;
  readonly #counts = new Uint32Array(BUCKETS);

  /** Nothing counts before. */
  start(from: number): void {
    this.#start = from;
  }

  answered(now: number, latency: number): void {
    this.#closeUntil(now);
    const bucket = bucketOf(latency);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#messages++;
  }

  failed(now: number): void {
    if (now < this.#start) return;
    this.#closeUntil(now);
    this.#errors++;
  }

  /** All of them, where the load has ended then; what went wrong later is in the last one. */
  until(end: number): LoadInterval[] {
    this.#closeUntil(end);
    const all = [...this.#closed, this.#present()];
    const elapsed = Math.max(0, end - this.#start);
    const whole = Math.max(0, Math.ceil((elapsed - SHORTEST) / LENGTH) - 1);
    const last = { ...all.slice(whole).reduce(add), elapsed: elapsed - whole * LENGTH };
    return [...all.slice(0, whole), last];
  }

  #closeUntil(now: number): void {
    while (now >= this.#start + (this.#closed.length + 1) * LENGTH) {
      this.#closed.push(this.#present());
      this.#messages = 0;
      this.#errors = 0;
      this.#counts.fill(0);
    }
  }

  #present(): LoadInterval {
    const used = this.#counts.findLastIndex((count) => count > 0) + 1;
    const counts = this.#counts.slice(0, used);
    return { elapsed: LENGTH, messages: this.#messages, errors: this.#errors, counts };
  }
}
