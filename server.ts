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
 * // … and at the end of the block it is stopped.
 *
 * // One that behaves badly, the same way each time:
 * await using bad = await serve("tcp://127.0.0.1:0", {
 *   faults: ["delay=20ms..40ms", { name: "corrupt", probability: 1e-6 }],
 *   seed: 1,
 * });
 * ```
 *
 * @module
 */
import { YodelError } from "./errors/yodel_error.ts";
import { type Endpoint, formatEndpoint, isWildcard, readEndpoint } from "./net/endpoint.ts";
import { listen, listenForDatagrams, type ListenOptions } from "./net/listen.ts";
import type { Listener } from "./net/stream.ts";
import type { DatagramListener } from "./net/udp.ts";
import { acceptFrom } from "./server/accept.ts";
import { Connections } from "./server/connections.ts";
import { noConnections, type ServerCounts } from "./server/counts.ts";
import { answerDatagrams } from "./server/datagrams.ts";
import { gateOf } from "./server/gate.ts";
import { ownCertificate } from "./server/own_certificate.ts";
import { planServe, type ServeOptions } from "./server/plan.ts";

export { OptionError, YodelError } from "./errors/yodel_error.ts";
export {
  type Endpoint,
  EndpointError,
  formatEndpoint,
  type HostEndpoint,
  type HostScheme,
  parseEndpoint,
  type UnixEndpoint,
} from "./net/endpoint.ts";
export type { ServerTls } from "./net/stream.ts";
export type { Ending } from "./server/connection.ts";
export type { ConnectionCounts, ServerCounts } from "./server/counts.ts";
export type { FaultOption } from "./server/fault_plan.ts";
export type { Log, LogDataForm, LogFields, LogLine } from "./server/log.ts";
export type { Objection } from "./server/loop_guard.ts";
export type { ServeOptions, ServeTls } from "./server/plan.ts";

/** A running server. */
export interface Server extends AsyncDisposable {
  /** What the server listens on, ports filled in. A name may have become several addresses. */
  readonly endpoints: readonly Endpoint[];
  /** The throw-away certificate of `tls://` endpoints, where it made one; in PEM. */
  readonly certificate?: {
    readonly cert: string;
    /** The authority that clients are to trust. */
    readonly ca: string;
    /** The names and addresses that it is for. */
    readonly names: readonly string[];
  };
  /** Counts what it has done so far. */
  counts(): ServerCounts;
  /** Resolves when the server was stopped and its last connection is closed. */
  readonly finished: Promise<void>;
  /**
   * Takes no more connections and lets those that are open finish what they
   * have sent, for {@linkcode ServeOptions.drain} at most.
   *
   * @returns when the last one is closed
   */
  stop(): Promise<void>;
}

/**
 * Listens on every endpoint and sends back what each connection brings
 * (RFC 862), byte for byte, each connection in its own task.
 *
 * @param endpoints one or several, also as text: `"tcp://127.0.0.1:0"`
 * @returns once all endpoints listen
 * @throws {EndpointError} where one of them cannot be listened on; then none is
 * @throws {YodelError} for a text that is no endpoint
 * @throws {OptionError} for faults and networks that are none, and for faults
 *   that an endpoint cannot have
 */
export async function serve(
  endpoints: Endpoint | string | readonly (Endpoint | string)[],
  options: ServeOptions = {},
): Promise<Server> {
  const wanted = [endpoints].flat().map((endpoint) => readEndpoint(endpoint, 0));
  checkWildcards(wanted);
  const plan = planServe(options, wanted);
  const { log, faults } = plan;
  const gate = await gateOf(plan);
  const { cert, key, names } = options.tls ?? {};
  const certificate = cert ?? key ? undefined : await ownCertificate(wanted, names, faults?.flaws);
  const tls = { ...options.tls, ...certificate };
  const opened = await openAll(wanted, { ...plan, tls, resettable: faults?.resets });
  const listeners = opened.filter((one) => "accept" in one);
  const sockets = opened.filter((one) => "send" in one);
  const bound = opened.map(({ endpoint }) => endpoint);
  log.info?.("listening", {
    endpoints: bound.map(formatEndpoint),
    ...faults?.fields,
  });
  const isOpenToAll = (endpoint: Endpoint) =>
    endpoint.scheme !== "unix" && isWildcard(endpoint.host);
  if (bound.some(isOpenToAll) && plan.allow.length + plan.deny.length === 0) {
    log.warn?.("listening on all addresses: whoever can reach this machine can connect");
  }
  if (sockets.some(({ endpoint }) => isOpenToAll(endpoint))) {
    log.warn?.("udp on all addresses answers from the address that the system prefers");
  }

  const stopping = new AbortController();
  const connections = new Connections(plan, stopping.signal);
  const stopped = Promise.withResolvers<void>();

  const datagrams = answerDatagrams(sockets, plan, gate, connections.turns, stopping.signal);

  async function run(): Promise<void> {
    await Promise.all([
      stopped.promise,
      ...listeners.map((each) => acceptFrom(each, connections, gate, log, stopping.signal)),
    ]);
    await connections.drain();
    log.info?.("stopped", {
      ...listeners.length > 0 ? { connections: connections.accepted } : {},
      ...sockets.length > 0
        ? {
          datagrams_answered: datagrams.answered,
          datagrams_not_answered: datagrams.unanswered,
          ...datagrams.faults,
        }
        : {},
      ...gate?.refused,
    });
  }

  function stop(): Promise<void> {
    if (!stopping.signal.aborted) {
      stopping.abort();
      for (const one of opened) one.close();
      stopped.resolve();
    }
    return finished;
  }

  function counts(): ServerCounts {
    const struck: Record<string, number> = {};
    for (const { fault: { name, stage }, strikes } of faults?.chosen ?? []) {
      if (stage !== undefined) struck[name] = (struck[name] ?? 0) + strikes;
    }
    const unused = listeners.map(({ endpoint }) => [endpoint.scheme, noConnections()]);
    return {
      accepting: !stopping.signal.aborted,
      connections: { ...Object.fromEntries(unused), ...connections.counts },
      full: connections.full,
      answered: datagrams.answered,
      unanswered: { ...datagrams.objections },
      refused: { ...gate?.refused },
      faults: struck,
    };
  }

  const finished = run();
  options.signal?.addEventListener("abort", stop, { once: true });
  if (options.signal?.aborted) stop();
  return { endpoints: bound, certificate, counts, finished, stop, [Symbol.asyncDispose]: stop };
}

/** Listens on all endpoints, or on none. */
async function openAll(
  endpoints: readonly Endpoint[],
  options: ListenOptions,
): Promise<(Listener | DatagramListener)[]> {
  const opened: (Listener | DatagramListener)[] = [];
  try {
    for (const endpoint of endpoints) {
      const more = endpoint.scheme === "udp"
        ? await listenForDatagrams(endpoint)
        : await listen(endpoint, options);
      opened.push(...more);
    }
    return opened;
  } catch (error) {
    for (const one of opened) one.close();
    throw error;
  }
}

/** On most systems :: takes IPv4 too, and leaves nothing to do for 0.0.0.0. */
function checkWildcards(endpoints: readonly Endpoint[]): void {
  for (const endpoint of endpoints) {
    if (endpoint.scheme === "unix" || endpoint.host !== "0.0.0.0" || endpoint.port === 0) continue;
    const other = formatEndpoint({ ...endpoint, host: "::" });
    if (!endpoints.some((one) => formatEndpoint(one) === other)) continue;
    const both = formatEndpoint({ ...endpoint, host: "*" });
    throw new YodelError(`${formatEndpoint(endpoint)} and ${other}: say ${both} for both`);
  }
}
