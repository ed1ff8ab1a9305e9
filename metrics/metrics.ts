/**
 * What a program measures, for Prometheus: the names, and what every command has.
 *
 * @module
 */
import type { Counter, Histogram, Registry } from "npm:prom-client@15.1.3";
import { PackageError } from "../errors/yodel_error.ts";

/** How often to look how late the event loop is, in milliseconds. */
const LAG_INTERVAL = 100;

/** The bounds of the histograms: from 0.1 ms to 10 s, in seconds. */
const BUCKETS = [1e-4, 1e-3, 1e-2, 0.1, 1].flatMap((s) => [s, 2.5 * s, 5 * s]).concat(10)
  .map((s) => Number(s.toPrecision(2)));

/** A figure and its labels. */
export type Sample = readonly [number, Record<string, string>?];

/** The metrics of this process. */
export class Metrics implements Disposable {
  readonly #library: typeof import("npm:prom-client@15.1.3");
  readonly #registry: Registry;
  readonly #lag: ReturnType<typeof setInterval>;

  /** See {@linkcode createMetrics}. */
  constructor(library: typeof import("npm:prom-client@15.1.3"), version: string) {
    this.#library = library;
    this.#registry = new library.Registry();
    this.watch("yodel_build_info", "1, with the version", ["version"], () => [[1, { version }]]);
    const lag = this.histogram(
      "yodel_event_loop_lag_seconds",
      "How late the event loop is, looked at ten times a second",
    );
    let due = performance.now() + LAG_INTERVAL;
    this.#lag = setInterval(() => {
      const now = performance.now();
      lag.observe(Math.max(0, now - due) / 1000);
      due = now + LAG_INTERVAL;
    }, LAG_INTERVAL);
  }

  /** Shows figures that somebody else keeps, as they are when they are asked for. */
  watch(
    name: string,
    help: string,
    labelNames: readonly string[],
    samples: () => Iterable<Sample>,
  ): void {
    const { Counter, Gauge } = this.#library;
    const collect = () => {
      metric.reset();
      for (const [value, labels = {}] of samples()) metric.inc(labels, value);
    };
    const settings = { name, help, labelNames, collect, registers: [this.#registry] };
    const metric = name.endsWith("_total") ? new Counter(settings) : new Gauge(settings);
  }

  /** Makes a counter. */
  counter(name: string, help: string, labelNames: readonly string[]): Counter {
    return new this.#library.Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  /** Makes a histogram of seconds. */
  histogram(name: string, help: string): Histogram {
    const { Histogram } = this.#library;
    return new Histogram({ name, help, buckets: BUCKETS, registers: [this.#registry] });
  }

  /** All of them, as an answer to Prometheus. */
  async response(): Promise<Response> {
    const headers = { "content-type": this.#registry.contentType };
    return new Response(await this.#registry.metrics(), { headers });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#lag);
  }
}

/**
 * Loads the library, as client/hdr.ts does its own, and makes the metrics that every command has.
 *
 * @throws {PackageError} where that fails
 */
export async function createMetrics(version: string): Promise<Metrics> {
  try {
    return new Metrics(await import("npm:" + "prom-client@15.1.3"), version);
  } catch (error) {
    throw new PackageError("prom-client, which --metrics needs", error);
  }
}
