/**
 * The echo server.
 *
 * ```ts
 * import { formatEndpoint, serve } from "@yodel/yodel/server";
 *
 * await using server = await serve("tcp://127.0.0.1:0", {
 *   idleTimeout: 10_000, // milliseconds
 *   log: { info: (message, fields) => console.error(message, fields) },
 * });
 * console.log(server.endpoints.map(formatEndpoint)); // ["tcp://127.0.0.1:46811"]
 * // It is stopped at the end of the block.
 *
 * // One with faults, the same ones each time:
 * await using bad = await serve("tcp://127.0.0.1:0", {
 *   faults: ["delay=20ms..40ms", "corrupt@1e-6"],
 *   seed: 1,
 * });
 * ```
 *
 * @module
 */
import { onAbort } from "./async/pause.ts";
import { type Endpoint, formatEndpoint, isWildcard, withText } from "./net/endpoint.ts";
import { openAll } from "./net/listen.ts";
import { readEndpoint } from "./net/parse_endpoint.ts";
import { hasConnections } from "./net/transports.ts";
import { addCounts, type ServerCounts } from "./server/counts.ts";
import { accessControlOf } from "./server/access_control.ts";
import { ownCertificate } from "./server/own_certificate.ts";
import { ConnectionLimit } from "./server/connection_limit.ts";
import { planFaults } from "./server/injection/plan.ts";
import { planServe, type ServeOptions } from "./server/plan.ts";
import { serveHere, type Service } from "./server/service.ts";
import { canBeShared, serveInThreads } from "./server/threads.ts";

export { OptionError, YodelError } from "./errors/yodel_error.ts";
export {
  type Endpoint,
  EndpointError,
  formatEndpoint,
  type HostEndpoint,
  type HostScheme,
  type UnixEndpoint,
} from "./net/endpoint.ts";
export { parseEndpoint } from "./net/parse_endpoint.ts";
export type { ServerTls } from "./net/stream.ts";
export type { Ending } from "./server/connection.ts";
export type { ConnectionCounts, ServerCounts, ServiceCounts } from "./server/counts.ts";
export type { Log, LogDataForm, LogFields, LogLine } from "./server/log.ts";
export type { Rejection } from "./server/loop_guard.ts";
export type { ServeOptions, ServeTls } from "./server/plan.ts";

/** A running server. */
export interface Server extends AsyncDisposable {
  /** Bound addresses and ports. A name may have several addresses. */
  readonly endpoints: readonly Endpoint[];
  /** The throw-away certificate that the server made for `tls://` endpoints, if any; in PEM. */
  readonly certificate?: {
    readonly cert: string;
    /** The CA for clients to trust. */
    readonly ca: string;
    /** Its names and addresses. */
    readonly names: readonly string[];
  };
  /** False once it is stopped. */
  readonly accepting: boolean;
  /** What it has done so far. */
  counts(): Promise<ServerCounts>;
  /** The faults that are set now. */
  readonly faults: readonly string[];
  /** The seed of their random numbers; undefined without faults. */
  readonly seed: number | undefined;
  /**
   * Replaces the faults; an empty list ends them. Connections that are accepted from now on have
   * the new ones and are counted from 1; those that are open change at their next read. The
   * certificate stays as it is.
   *
   * @param options without a seed, it is random
   * @returns once they are set in all threads
   * @throws {OptionError} for wrong faults, and for those that have to be there from the start;
   *   then the old ones stay
   */
  setFaults(faults: readonly string[], options?: { readonly seed?: number }): Promise<void>;
  /** Resolves when the last connection is closed after a stop; rejects if a thread fails. */
  readonly finished: Promise<void>;
  /**
   * Accepts no more connections, and lets the open ones finish within {@linkcode ServeOptions.drain}.
   *
   * @returns when the last one is closed
   */
  stop(): Promise<void>;
}

/**
 * Listens on every endpoint and sends back all input of each connection (RFC 862).
 *
 * @param endpoints one or several, also as text: `"tcp://127.0.0.1:0"`
 * @returns once all endpoints listen
 * @throws {EndpointError} where one of them cannot be listened on; then none is
 * @throws {YodelError} for a text that is no endpoint
 * @throws {OptionError} for wrong options, and for faults that an endpoint cannot have
 */
export async function serve(
  endpoints: Endpoint | string | readonly (Endpoint | string)[],
  options: ServeOptions = {},
): Promise<Server> {
  const wanted = [endpoints].flat().map((endpoint) => readEndpoint(endpoint, 0));
  const plan = planServe(options, wanted);
  const { log, faults: { flaws, resettable } } = plan;
  const access = await accessControlOf(plan);
  const { cert, key, names } = options.tls ?? {};
  const certificate = cert ?? key ? undefined : await ownCertificate(wanted, names, flaws);
  const tls = { ...options.tls, ...certificate };
  const sharing = plan.workers > 1 ? "first" : undefined;
  const opened = await openAll(wanted, { ...plan, tls, resettable, sharing });
  const bound = opened.map(({ endpoint }) => withText(endpoint));
  const stopping = new AbortController();
  const limit = new ConnectionLimit(plan.maxConnections, stopping.signal);
  const common = { limit, access, stopping: stopping.signal };
  const here = serveHere(opened, plan, common);
  const services: Service[] = [here];
  const shared = bound.filter((endpoint) => canBeShared(endpoint, plan));
  if (shared.length > 0) {
    const others = serveInThreads(shared, { ...options, tls }, plan, common);
    services.push(await others.catch(fail));
  }
  log.info?.("listening", {
    endpoints: bound.map(formatEndpoint),
    ...shared.length > 0 ? { workers: plan.workers } : {},
    ...plan.faults.fields,
  });
  const wildcards = bound.filter((endpoint) => "host" in endpoint && isWildcard(endpoint.host));
  if (wildcards.length > 0 && plan.allow.length + plan.deny.length === 0) {
    log.warn?.("listening on all addresses: other machines can connect");
  }
  if (!wildcards.every(hasConnections)) {
    log.warn?.("udp on all addresses: answers may come from another address than the client used");
  }

  /** Stops this thread as well when another one has failed. */
  async function fail(error: unknown): Promise<never> {
    stopping.abort();
    await here.finished;
    throw error;
  }

  async function run(): Promise<void> {
    await Promise.all(services.map(({ finished }) => finished)).catch(fail);
    const { answered, unanswered, refused } = await counts();
    const datagrams = {
      datagrams_answered: answered,
      datagrams_not_answered: Object.values(unanswered).reduce((sum, count) => sum + count),
      ...here.datagrams.faults,
    };
    log.info?.("stopped", {
      ...bound.some(hasConnections) ? { connections: limit.served } : {},
      ...bound.every(hasConnections) ? {} : datagrams,
      ...refused,
    });
  }

  function stop(): Promise<void> {
    if (!stopping.signal.aborted) {
      stopping.abort();
      if (limit.open > 0) log.info?.("draining", { connections: limit.open });
    }
    return finished;
  }

  async function counts(): Promise<ServerCounts> {
    const all = await Promise.all(services.map((service) => service.counts()));
    return { ...all.reduce(addCounts), refused: { ...access?.refused } };
  }

  async function setFaults(
    faults: readonly string[],
    options: { readonly seed?: number } = {},
  ): Promise<void> {
    // With one seed and one count of connections for all threads.
    const { seed, numbers, fields } = planFaults(
      { faults, seed: options.seed },
      bound,
      plan.faults,
    );
    const set = { faults, seed, numbers };
    await Promise.all(services.map((service) => service.setFaults(set)));
    log.info?.("faults changed", { faults: "none", ...fields });
  }

  const finished = run();
  onAbort(options.signal, stop);
  return {
    endpoints: bound,
    certificate,
    get accepting() {
      return !stopping.signal.aborted;
    },
    counts,
    get faults() {
      return plan.faults.chosen.map(({ text }) => text);
    },
    get seed() {
      return plan.faults.seed;
    },
    setFaults,
    finished,
    stop,
    // `finished` rejects with the error.
    [Symbol.asyncDispose]: () => stop().catch(() => {}),
  };
}
