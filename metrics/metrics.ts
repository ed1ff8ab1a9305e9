// Metrics for Prometheus, health, and the faults of a server, over HTTP.
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

/** A value with its labels; in a histogram, with the end of its name. */
export type Sample = readonly [number, Record<string, string>?, string?];

/** The metrics of a program, as text. */
export interface Metrics extends AsyncDisposable {
  /** One for each address. */
  readonly urls: readonly string[];
  /**
   * Adds a metric; each scrape takes its samples.
   *
   * @param type by default a counter, if its name ends in `_total`, or a gauge
   */
  watch(
    name: string,
    help: string,
    samples: () => readonly Sample[] | Promise<readonly Sample[]>,
    type?: string,
  ): void;
}

/**
 * Serves metrics at an endpoint.
 *
 * @param isUp whether the status of `/healthz` is 200, not 503
 * @param controlled returns the server whose faults can be changed, once it listens
 * @throws {OptionError} where it cannot listen
 */
export async function serveMetrics(
  at: HostEndpoint<"tcp">,
  version: string,
  isUp: () => boolean,
  log: Log,
  controlled?: () => Server | undefined,
): Promise<Metrics> {
  const [flag, main] = controlled === undefined ? ["metrics", "metrics"] : ["control", "faults"];
  const listeners = await openAtEach(at, (one) => listenTcp(one)).catch((error) => {
    throw error instanceof EndpointError ? new OptionError(flag, error.message) : error;
  });
  const texts: (() => Promise<string>)[] = [];
  const stopping = new AbortController();

  async function answer(request: Request): Promise<Answer> {
    const { method, path } = request;
    if (controlled && isForeign(request, at.host)) {
      return { status: 403, body: "browsers are not allowed\n" };
    }
    const isFaults = controlled !== undefined && path === "/faults";
    const allow = isFaults ? "GET, HEAD, PUT" : "GET, HEAD";
    if (!allow.split(", ").includes(method)) return { status: 405, body: `only ${allow}\n`, allow };
    if (isFaults) return await answerFaults(controlled(), request);
    switch (path) {
      case "/metrics": {
        const all = await Promise.all(texts.map((text) => text()));
        return { status: 200, body: all.join(""), type: CONTENT_TYPE };
      }
      case "/healthz":
        return isUp() ? { status: 200, body: "ok\n" } : { status: 503, body: "draining\n" };
      default:
        return { status: 404, body: "not found; use /metrics or /healthz\n" };
    }
  }

  const serving = serveHttp(listeners, answer, log, stopping.signal);
  if (listeners.some(({ endpoint }) => isWildcard(endpoint.host))) {
    log.warn?.(`${main} on all addresses: other machines can use them`);
  }
  const metrics: Metrics = {
    urls: listeners.map(({ endpoint: { host, port } }) =>
      `http://${formatHostPort(host, port)}/${main}`
    ),
    watch(name, help, samples, type = name.endsWith("_total") ? "counter" : "gauge") {
      texts.push(async () => textOf(name, help, type, await samples()));
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await serving;
    },
  };
  const start = (Date.now() - performance.now()) / 1000;
  const memory = () => Deno.memoryUsage().rss;
  metrics.watch("yodel_build_info", "1, with the version", () => [[1, { version }]]);
  metrics.watch("process_start_time_seconds", "When the program started", () => [[start]]);
  metrics.watch("process_resident_memory_bytes", "Memory of the program", () => [[memory()]]);
  return metrics;
}

function textOf(name: string, help: string, type: string, samples: readonly Sample[]): string {
  const lines = samples.map(([value, labels = {}, end = ""]) => {
    // JSON and this format escape the same characters: \, " and the end of a line.
    const pairs = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
    return `${name}${end}${pairs.length > 0 ? `{${pairs.join()}}` : ""} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}
