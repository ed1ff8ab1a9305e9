// Latencies and their percentiles, kept in an HdrHistogram: whatever their number, it holds them in
// a quarter of a megabyte, to three digits.
import type { Float64Histogram } from "npm:hdr-histogram-js@3.0.1";
import { PackageError } from "../errors/yodel_error.ts";

/** The unit of the histogram, nanoseconds, in a millisecond. */
const NANOSECONDS = 1e6;

/** The longest latency that the histogram distinguishes from longer ones: an hour. */
const LONGEST = 3600 * 1000 * NANOSECONDS;

const DIGITS = 3;

/**
 * Loads the library, which only some commands need.
 *
 * Deno fetches what the single text of an `import()` names before the program
 * starts, whatever it then does, so this one is a sum; the bundler of `deno
 * compile` adds it up and takes the library in.
 *
 * @throws {PackageError} where that fails
 */
async function histogramLibrary(): Promise<typeof import("npm:hdr-histogram-js@3.0.1")> {
  try {
    return await import("npm:" + "hdr-histogram-js@3.0.1");
  } catch (error) {
    throw new PackageError("hdr-histogram-js, which latencies need", error);
  }
}

/** Makes an empty collection of latencies. */
export async function createLatencies(): Promise<Latencies> {
  const { Float64Histogram } = await histogramLibrary();
  return new Latencies(new Float64Histogram(1, LONGEST, DIGITS));
}

/** Latencies on their way to another thread. */
export interface EncodedLatencies {
  /** The least, in milliseconds. */
  readonly min: number;
  /** The greatest. */
  readonly max: number;
  /** Their mean. */
  readonly mean: number;
  /** Their standard deviation. */
  readonly stddev: number;
  /** All of them in nanoseconds, as HdrHistogram's compressed V2 form in base64. */
  readonly histogram: string;
}

/** A collection of latencies. All are in milliseconds. */
export class Latencies {
  readonly #histogram: Float64Histogram;
  // The histogram would round them.
  #min = Infinity;
  #max = 0;
  #mean = 0;
  /** The sum of the squares of their distances from the mean (Welford, 1962). */
  #squares = 0;

  /** See {@linkcode createLatencies}. */
  constructor(histogram: Float64Histogram) {
    this.#histogram = histogram;
  }

  /** Adds one. */
  record(latency: number): void {
    if (latency < this.#min) this.#min = latency;
    if (latency > this.#max) this.#max = latency;
    this.#histogram.recordValue(nanoseconds(latency));
    const distance = latency - this.#mean;
    this.#mean += distance / this.count;
    this.#squares += distance * (latency - this.#mean);
  }

  /** How many there are. */
  get count(): number {
    return this.#histogram.totalCount;
  }

  /** The least; 0 where there are none. */
  get min(): number {
    return this.count === 0 ? 0 : this.#min;
  }

  /** The greatest; 0 where there are none. */
  get max(): number {
    return this.#max;
  }

  /** Their mean; 0 where there are none. */
  get mean(): number {
    return this.#mean;
  }

  /** Their standard deviation; 0 where there are none. */
  get stddev(): number {
    return this.count === 0 ? 0 : Math.sqrt(this.#squares / this.count);
  }

  /** The latency that `percent` percent of all do not exceed; 0 where there are none. */
  percentile(percent: number): number {
    const rank = this.#rank(percent);
    if (rank <= 1) return this.min;
    if (rank >= this.count) return this.#max;
    return this.#bounded(this.#histogram.getValueAtPercentile(percent) / NANOSECONDS);
  }

  /** Adds those that were {@linkcode encode}d elsewhere. */
  async add({ min, max, mean, stddev, histogram }: EncodedLatencies): Promise<void> {
    const { decodeFromCompressedBase64 } = await histogramLibrary();
    const added = decodeFromCompressedBase64(histogram, 64) as Float64Histogram;
    if (added.totalCount === 0) return;
    const share = added.totalCount / (this.count + added.totalCount);
    const distance = mean - this.#mean;
    this.#squares += stddev ** 2 * added.totalCount + distance ** 2 * this.count * share;
    this.#mean += distance * share;
    this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
    this.#histogram.add(added);
  }

  /** Writes them so that another thread can {@linkcode add} them. */
  async encode(): Promise<EncodedLatencies> {
    const { encodeIntoCompressedBase64 } = await histogramLibrary();
    return {
      min: this.#min,
      max: this.#max,
      mean: this.mean,
      stddev: this.stddev,
      histogram: encodeIntoCompressedBase64(this.#histogram),
    };
  }

  /** Shows the figures that matter, as with `console.log`. */
  [Symbol.for("Deno.customInspect")](
    inspect: (value: unknown, options: unknown) => string,
    options: unknown,
  ): string {
    const { count, min, mean, max } = this;
    const [p50, p99] = [this.percentile(50), this.percentile(99)];
    return `Latencies ${inspect({ count, min, mean, p50, p99, max }, options)}`;
  }

  /** How many latencies are at least in a percentile. */
  #rank(percent: number): number {
    // What is a whole number may come out as a little more.
    return Math.ceil(percent / 100 * this.count - 1e-9);
  }

  /** What the histogram has rounded is not beyond what there was. */
  #bounded(latency: number): number {
    return Math.max(this.#min, Math.min(latency, this.#max));
  }
}

/** A latency as the histogram has it. */
function nanoseconds(milliseconds: number): number {
  return Math.min(Math.round(milliseconds * NANOSECONDS), LONGEST);
}
