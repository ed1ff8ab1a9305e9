// Metrics for Prometheus, and health, over HTTP.
import type { Histogram, Registry } from "npm:prom-client@15.1.3";
import { OptionError, PackageError } from "../errors/yodel_error.ts";
import { boundTo, EndpointError, formatHostPort, type HostEndpoint } from "../net/endpoint.ts";
import { openAtEach } from "../net/listen.ts";

/** From one measurement of the event loop's lag to the next, in milliseconds. */
const LAG_INTERVAL = 100;

/** Of the histograms, in seconds. */
const BUCKETS = [1e-4, 1e-3, 1e-2, 0.1, 1].flatMap((time) => [time, 2.5 * time, 5 * time])
  .concat(10);

/** A value and its labels. */
export type Sample = readonly [number, Record<string, string>?];

export class Metrics implements AsyncDisposable {
  /** One for each address. */
  readonly urls: string[] = [];
  readonly #library: typeof import("npm:prom-client@15.1.3");
  readonly #registry: Registry;
  readonly #opened: { close(): unknown }[] = [];

  constructor(library: typeof import("npm:prom-client@15.1.3"), version: string) {
    this.#library = library;
    this.#registry = new library.Registry();
    this.watch("yodel_build_info", "1, with the version", ["version"], () => [[1, { version }]]);
    const lag = this.histogram("yodel_event_loop_lag_seconds", "How late the event loop is");
    let due = performance.now() + LAG_INTERVAL;
    const timer = setInterval(() => {
      const now = performance.now();
      lag.observe(Math.max(0, now - due) / 1000);
      due = now + LAG_INTERVAL;
    }, LAG_INTERVAL);
    this.#opened.push({ close: () => clearInterval(timer) });
  }

  /** Adds a counter, if its name ends in `_total`, or a gauge. Each scrape asks for the samples. */
  watch(
    name: string,
    help: string,
    labelNames: string[],
    samples: () => Sample[] | Promise<Sample[]>,
  ): void {
    const { Counter, Gauge } = this.#library;
    const collect = async () => {
      const now = await samples();
      metric.reset();
      for (const [value, labels = {}] of now) metric.inc(labels, value);
    };
    const settings = { name, help, labelNames, collect, registers: [this.#registry] };
    const metric = name.endsWith("_total") ? new Counter(settings) : new Gauge(settings);
  }

  histogram(name: string, help: string): Histogram {
    const { Histogram } = this.#library;
    return new Histogram({ name, help, buckets: BUCKETS, registers: [this.#registry] });
  }

  async listen(at: HostEndpoint<"tcp">, isUp: () => boolean): Promise<void> {
    const answer = async ({ url }: Request): Promise<Response> => {
      switch (new URL(url).pathname) {
        case "/metrics": {
          const headers = { "content-type": this.#registry.contentType };
          return new Response(await this.#registry.metrics(), { headers });
        }
        case "/healthz":
          return isUp() ? new Response("ok\n") : new Response("draining\n", { status: 503 });
        default:
          return new Response("there are /metrics and /healthz\n", { status: 404 });
      }
    };
    const opened = await openAtEach(at, (endpoint) => {
      const { host: hostname, port } = endpoint;
      const http = Deno.serve({ hostname, port, onListen() {} }, answer);
      return { endpoint: boundTo(endpoint, http.addr), close: () => http.shutdown() };
    });
    this.#opened.push(...opened);
    for (const { endpoint: { host, port } } of opened) {
      this.urls.push(`http://${formatHostPort(host, port)}/metrics`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#opened.map((one) => one.close()));
  }
}

/**
 * Serves metrics. Their library is loaded only here (client/latencies.ts).
 *
 * @param isUp whether `/healthz` has status 200, not 503
 * @throws {OptionError} where it cannot listen there
 * @throws {PackageError} where the library cannot be loaded
 */
export async function serveMetrics(
  at: HostEndpoint<"tcp"> | undefined,
  version: string,
  isUp: () => boolean,
): Promise<Metrics | undefined> {
  if (at === undefined) return undefined;
  const library = await import("npm:" + "prom-client@15.1.3").catch((error) => {
    throw new PackageError("prom-client, which --metrics needs", error);
  });
  const metrics = new Metrics(library, version);
  await metrics.listen(at, isUp).catch(async (error) => {
    await metrics[Symbol.asyncDispose]();
    throw error instanceof EndpointError ? new OptionError("metrics", error.message) : error;
  });
  return metrics;
}
