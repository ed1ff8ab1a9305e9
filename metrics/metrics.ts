// Metrics for Prometheus, and health, over HTTP.
import { OptionError } from "../errors/yodel_error.ts";
import { EndpointError, formatHostPort, type HostEndpoint, isWildcard } from "../net/endpoint.ts";
import { openAtEach } from "../net/listen.ts";
import { listenTcp } from "../net/tcp.ts";
import type { Server } from "../server.ts";
import type { Log } from "../server/log.ts";
import { answerFaults, isForeign } from "./control.ts";
import { type Answer, type Request, serveHttp } from "./http.ts";

/** The text format of Prometheus. */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Returns a server whose faults can be changed, once it listens. */
type Controlled = () => Server | undefined;

/** A value with its labels; in a histogram, with the end of its name. */
export type Sample = readonly [number, Record<string, string>?, string?];

/** The metrics of a program, as text. */
export class Metrics implements AsyncDisposable {
  /** One for each address. */
  readonly urls: string[] = [];
  readonly #texts: (() => Promise<string>)[] = [];
  readonly #stopping = new AbortController();
  #serving: Promise<void> | undefined;

  constructor(version: string) {
    const start = (Date.now() - performance.now()) / 1000;
    this.watch("yodel_build_info", "1, with the version", () => [[1, { version }]]);
    this.watch("process_start_time_seconds", "When the program started", () => [[start]]);
    this.watch(
      "process_resident_memory_bytes",
      "Memory of the program",
      () => [[Deno.memoryUsage().rss]],
    );
  }

  /** Adds a counter, if its name ends in `_total`, or a gauge; each scrape takes its samples. */
  watch(
    name: string,
    help: string,
    samples: () => readonly Sample[] | Promise<readonly Sample[]>,
    type = name.endsWith("_total") ? "counter" : "gauge",
  ): void {
    this.#texts.push(async () => textOf(name, help, type, await samples()));
  }

  /** Listens at all addresses of a host. */
  async listen(at: HostEndpoint<"tcp">, isUp: () => boolean, log: Log, controlled?: Controlled) {
    const listeners = await openAtEach(at, (one) => listenTcp(one));
    const answer = async (request: Request) =>
      controlled !== undefined && isForeign(request, at.host)
        ? { status: 403, body: "not for browsers\n" }
        : await this.#answer(request, isUp, controlled);
    this.#serving = serveHttp(listeners, answer, log, this.#stopping.signal);
    const page = controlled === undefined ? "metrics" : "faults";
    for (const { endpoint: { host, port } } of listeners) {
      this.urls.push(`http://${formatHostPort(host, port)}/${page}`);
    }
    if (listeners.some(({ endpoint }) => isWildcard(endpoint.host))) {
      log.warn?.(`${page} on all addresses: other machines can use them`);
    }
  }

  async #answer(request: Request, isUp: () => boolean, controlled?: Controlled): Promise<Answer> {
    const { method, path } = request;
    const isFaults = controlled !== undefined && path === "/faults";
    const allow = isFaults ? "GET, HEAD, PUT" : "GET, HEAD";
    if (!allow.split(", ").includes(method)) return { status: 405, body: `only ${allow}\n`, allow };
    if (isFaults) return await answerFaults(controlled(), request);
    switch (path) {
      case "/metrics": {
        const texts = await Promise.all(this.#texts.map((text) => text()));
        return { status: 200, body: texts.join(""), type: CONTENT_TYPE };
      }
      case "/healthz":
        return isUp() ? { status: 200, body: "ok\n" } : { status: 503, body: "draining\n" };
      default:
        return { status: 404, body: "not found; use /metrics or /healthz\n" };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#serving;
  }
}

function textOf(name: string, help: string, type: string, samples: readonly Sample[]): string {
  const lines = samples.map(([value, labels = {}, end = ""]) => {
    // JSON and this format escape the same characters: \, " and the end of a line.
    const pairs = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
    return `${name}${end}${pairs.length > 0 ? `{${pairs.join()}}` : ""} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}

/**
 * Serves metrics at an endpoint, if there is one.
 *
 * @param isUp whether the status of `/healthz` is 200, not 503
 * @throws {OptionError} where it cannot listen
 */
export async function serveMetrics(
  at: HostEndpoint<"tcp"> | undefined,
  version: string,
  isUp: () => boolean,
  log: Log,
  controlled?: Controlled,
): Promise<Metrics | undefined> {
  if (at === undefined) return undefined;
  const metrics = new Metrics(version);
  await metrics.listen(at, isUp, log, controlled).catch(async (error) => {
    await metrics[Symbol.asyncDispose]();
    const flag = controlled ? "control" : "metrics";
    throw error instanceof EndpointError ? new OptionError(flag, error.message) : error;
  });
  return metrics;
}
