// Latencies and their percentiles. An HdrHistogram takes a quarter of a megabyte for any number.
import type { Float64Histogram } from "npm:hdr-histogram-js@3.0.1";
import { PackageError } from "../errors/yodel_error.ts";

/** The unit of the histogram, nanoseconds, in a millisecond. */
const NANOSECONDS = 1e6;

/** The histogram records longer ones as an hour, in nanoseconds. */
const LONGEST = 3600 * 1000 * NANOSECONDS;

const DIGITS = 3;

/**
 * Loads the library on demand. Deno fetches a package before the program starts if its `import()`
 * has a single string, so this one is a sum, which the bundler of `deno compile` adds up.
 *
 * @throws {PackageError} if it cannot be loaded
 */
async function histogramLibrary(): Promise<typeof import("npm:hdr-histogram-js@3.0.1")> {
  try {
    return await import("npm:" + "hdr-histogram-js@3.0.1");
  } catch (error) {
    throw new PackageError("hdr-histogram-js, which latencies require", error);
  }
}

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
  /** In nanoseconds, as HdrHistogram's compressed V2 form in base64. */
  readonly histogram: string;
}

/** A collection of latencies. All are in milliseconds. */
export class Latencies {
  readonly #histogram: Float64Histogram;
  /** The sum of the squares of their distances from the mean (Welford, 1962). */
  #squares = 0;
  // The histogram would round these.
  /** The least; 0 where there are none. */
  min = 0;
  /** The greatest; 0 where there are none. */
  max = 0;
  /** Their mean; 0 where there are none. */
  mean = 0;

  /** See {@linkcode createLatencies}. */
  constructor(histogram: Float64Histogram) {
    this.#histogram = histogram;
  }

  /** Adds one. */
  record(latency: number): void {
    if (latency < this.min || this.count === 0) this.min = latency;
    if (latency > this.max) this.max = latency;
    this.#histogram.recordValue(Math.min(Math.round(latency * NANOSECONDS), LONGEST));
    const distance = latency - this.mean;
    this.mean += distance / this.count;
    this.#squares += distance * (latency - this.mean);
  }

  /** How many there are. */
  get count(): number {
    return this.#histogram.totalCount;
  }

  /** Their standard deviation; 0 where there are none. */
  get stddev(): number {
    return this.count === 0 ? 0 : Math.sqrt(this.#squares / this.count);
  }

  /** The latency that `percent` percent of all do not exceed; 0 where there are none. */
  percentile(percent: number): number {
    // What is a whole number may come out as a little more.
    const rank = Math.ceil(percent / 100 * this.count - 1e-9);
    if (rank <= 1) return this.min;
    if (rank >= this.count) return this.max;
    const rounded = this.#histogram.getValueAtPercentile(percent) / NANOSECONDS;
    return Math.max(this.min, Math.min(rounded, this.max));
  }

  /** Adds those of another thread. */
  async add({ min, max, mean, stddev, histogram }: EncodedLatencies): Promise<void> {
    const { decodeFromCompressedBase64 } = await histogramLibrary();
    const added = decodeFromCompressedBase64(histogram, 64) as Float64Histogram;
    if (added.totalCount === 0) return;
    const share = added.totalCount / (this.count + added.totalCount);
    const distance = mean - this.mean;
    this.#squares += stddev ** 2 * added.totalCount + distance ** 2 * this.count * share;
    this.mean += distance * share;
    this.min = this.count === 0 ? min : Math.min(this.min, min);
    this.max = Math.max(this.max, max);
    this.#histogram.add(added);
  }

  /** Encodes them for another thread. */
  async encode(): Promise<EncodedLatencies> {
    const { encodeIntoCompressedBase64 } = await histogramLibrary();
    const { min, max, mean, stddev } = this;
    return { min, max, mean, stddev, histogram: encodeIntoCompressedBase64(this.#histogram) };
  }
}
