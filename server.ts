/**
 * The echo server.
 *
 * ```ts
 * import { formatEndpoint, serve } from "@yodel/yodel/server";
 *
 * const stop = new AbortController();
 * const server = await serve([{ scheme: "tcp", host: "127.0.0.1", port: 0 }], {
 *   idleTimeout: 10_000, // milliseconds
 *   log: { info: (message, fields) => console.error(message, fields) },
 *   signal: stop.signal,
 * });
 * console.log(server.endpoints.map(formatEndpoint)); // ["tcp://127.0.0.1:46811"]
 * stop.abort();
 * await server.finished;
 * ```
 *
 * @module
 */
import { BufferPool } from "./server/buffers.ts";
import { echo } from "./server/echo.ts";
import { LoopGuard } from "./server/loop_guard.ts";
import { lookInterval, Traffic } from "./net/traffic.ts";
import { excerpt, type Log, type LogDataForm, type LogFields } from "./cli/log.ts";
import { type DatagramListener, listenForDatagrams, type Source } from "./net/udp.ts";
import { type Endpoint, formatEndpoint, formatHostPort } from "./net/endpoint.ts";
import { errorCode, reason } from "./errors/reason.ts";
import { type Arrival, atEachAddress, listen, type Listener } from "./net/listen.ts";
import { ReadTurns } from "./net/read_turns.ts";
import type { Stream } from "./net/stream.ts";
import type { ServerTls } from "./net/tls.ts";
import { pause } from "./async/pause.ts";

export { type Endpoint, formatEndpoint, parseEndpoint } from "./net/endpoint.ts";
export { EndpointError } from "./net/endpoint_error.ts";
export type { ServerTls } from "./net/tls.ts";
export type { Log, LogDataForm, LogFields } from "./cli/log.ts";

/** Settings of {@linkcode serve}. Every limit can be switched off with 0. */
export interface ServeOptions {
  /** Closes a connection on which no byte passed for this long, in milliseconds. Default: 60,000. */
  idleTimeout?: number;
  /** How many connections wait in the kernel to be accepted, for each listener. Default: 511. */
  backlog?: number;
  /** What `tls://` endpoints need. */
  tls?: ServerTls;
  /** Permissions of the files of Unix sockets. Default: 0o600. */
  socketMode?: number;
  /** How many connections are served at once; others wait in the kernel. Default: 0, no limit. */
  maxConnections?: number;
  /** How long connections may go on once `signal` is aborted, in milliseconds. Default: 5,000. */
  drain?: number;
  /** Where to say what happens. Default: nowhere. */
  log?: Log;
  /** Logs what each read brought, escaped and cut. Default: off. */
  logData?: LogDataForm;
  /** Stops the server: no more connections; those that are open may finish. */
  signal?: AbortSignal;
}

/** A running server. */
export interface Server {
  /** What the server listens on, ports filled in. A name may have become several addresses. */
  readonly endpoints: readonly Endpoint[];
  /** Resolves when the server was stopped and its last connection is closed. */
  readonly finished: Promise<void>;
}

/** Why a connection ended. */
type Ending = "eof" | "reset" | "idle" | "drain" | "error";

interface Connection {
  readonly stream: Stream;
  readonly peer: () => string;
  readonly traffic: Traffic;
  readonly opened: number;
  /** Counts the connections of the server, from 1 on. */
  readonly number: number;
  readonly endpoint: string;
  /** Set by whoever ends the connection from outside its own task. */
  ending?: Ending;
  closed: boolean;
}

/** How long to leave a listener alone when the system is short of something, in milliseconds. */
const SHORTAGE_PAUSE = 100;

/** A shortage that goes on is logged again after this long, in milliseconds. */
const SHORTAGE_REMINDER = 60_000;

/** Datagrams that are not answered are logged once in this time, in milliseconds. */
const UNANSWERED_REMINDER = 1000;

/** Errors of accept(2) that last until something is released, and would be met again at once. */
const SHORTAGES = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

/** How often to look, while the server drains, what connections still have to do, in milliseconds. */
const DRAIN_LOOK = 50;

/** A connection on which so many looks see no byte pass, and all is sent, has finished. */
const FINISHED_LOOKS = 4;

/** How many looks the peer has to close as well, once the server has closed its side. */
const LINGER_LOOKS = 20;

/**
 * Listens on every endpoint and sends back what each connection brings
 * (RFC 862), byte for byte, each connection in its own task.
 *
 * @returns once all endpoints listen
 * @throws {EndpointError} where one of them cannot be listened on; then none is
 */
export async function serve(
  endpoints: readonly Endpoint[],
  options: ServeOptions = {},
): Promise<Server> {
  const { backlog = 511, socketMode = 0o600, tls } = options;
  const listeners: Listener[] = [];
  const datagrams: DatagramListener[] = [];
  const bound: Endpoint[] = [];
  try {
    for (const endpoint of endpoints) {
      const opened = endpoint.scheme === "udp"
        ? await atEachAddress(endpoint, listenForDatagrams)
        : await listen(endpoint, { backlog, socketMode, tls });
      for (const one of opened) {
        bound.push(one.endpoint);
        if ("accept" in one) listeners.push(one);
        else datagrams.push(one);
      }
    }
  } catch (error) {
    for (const one of [...listeners, ...datagrams]) one.close();
    throw error;
  }
  return new EchoServer(bound, listeners, datagrams, options);
}

class EchoServer implements Server {
  readonly endpoints: readonly Endpoint[];
  readonly finished: Promise<void>;

  readonly #idleTimeout: number;
  readonly #maxConnections: number;
  readonly #drainTimeout: number;
  readonly #log: Log;
  readonly #logData: LogDataForm;

  readonly #buffers = new BufferPool();
  readonly #turns = new ReadTurns();
  readonly #open = new Set<Connection>();
  readonly #guard: LoopGuard;
  /** Datagrams that were not answered, since that was logged last. */
  #unanswered = 0;
  #unansweredLogged = -Infinity;
  #accepted = 0;
  #stopping = false;
  /** Resolved, and replaced, when there may be room for a connection, or the server stops. */
  #change = Promise.withResolvers<void>();

  constructor(
    endpoints: readonly Endpoint[],
    listeners: readonly Listener[],
    datagrams: readonly DatagramListener[],
    options: ServeOptions,
  ) {
    this.#idleTimeout = options.idleTimeout ?? 60_000;
    this.#maxConnections = options.maxConnections ?? 0;
    this.#drainTimeout = options.drain ?? 5_000;
    this.#log = options.log ?? {};
    this.#logData = options.logData ?? "off";
    this.endpoints = endpoints;
    this.#guard = new LoopGuard(datagrams.map(({ endpoint }) => endpoint.port));
    for (const socket of datagrams) {
      socket.onDatagram = (bytes, source) => this.#answer(socket, bytes, source);
    }
    this.finished = this.#run(listeners, datagrams, options.signal);
  }

  async #run(
    listeners: readonly Listener[],
    datagrams: readonly DatagramListener[],
    signal?: AbortSignal,
  ): Promise<void> {
    this.#log.info?.("listening", { endpoints: this.endpoints.map(formatEndpoint) });
    if (this.endpoints.some(isWildcard)) {
      this.#log.warn?.("listening on all addresses: whoever can reach this machine can connect");
    }
    if (datagrams.some(({ endpoint }) => isWildcard(endpoint))) {
      this.#log.warn?.("udp on all addresses answers from the address that the system prefers");
    }
    const sweep = this.#idleTimeout > 0
      ? setInterval(() => this.#closeIdle(), lookInterval(this.#idleTimeout))
      : undefined;
    const stopped = Promise.withResolvers<void>();
    const stop = () => {
      this.#stop([...listeners, ...datagrams]);
      stopped.resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    const accepting = listeners.map((listener) => this.#acceptFrom(listener));
    await Promise.all([stopped.promise, ...accepting]);
    clearInterval(sweep);
    await this.#drain();
    await this.#turns.close();
    this.#log.info?.("stopped", { connections: this.#accepted });
  }

  #stop(opened: readonly { close(): void }[]): void {
    this.#stopping = true;
    for (const one of opened) one.close();
    this.#announceChange();
  }

  async #acceptFrom(listener: Listener): Promise<void> {
    const endpoint = formatEndpoint(listener.endpoint);
    let reminded = -Infinity;
    while (!this.#stopping) {
      while (this.#full()) await this.#change.promise;
      let arrival;
      try {
        arrival = await listener.accept();
      } catch (error) {
        // An error of accept concerns one connection, or all for a while, but
        // never the listener: only closing that ends the loop (design, rule 5).
        if (this.#stopping) return;
        if (!SHORTAGES.has(errorCode(error) ?? "")) {
          this.#log.debug?.("not accepted", { endpoint, error: reason(error) });
          continue;
        }
        if (performance.now() - reminded > SHORTAGE_REMINDER) {
          reminded = performance.now();
          this.#log.warn?.("cannot accept for now", { endpoint, error: reason(error) });
        }
        await pause(SHORTAGE_PAUSE);
        continue;
      }
      // With several listeners another one may have taken the last place meanwhile.
      while (this.#full()) await this.#change.promise;
      if (this.#stopping) arrival.stream.close();
      else this.#serveConnection(arrival, endpoint);
    }
  }

  /** Sends a datagram back to where it came from, unless that could make a loop. */
  #answer(socket: DatagramListener, bytes: Uint8Array, source: Source): void {
    const { address, port } = source;
    const now = performance.now();
    const objection = this.#guard.objection(bytes, address, port, now);
    if (objection === undefined) {
      socket.send(bytes, source);
      if (this.#logData !== "off") {
        const data = excerpt(bytes, this.#logData);
        this.#log.info?.("datagram", {
          peer: formatHostPort(address, port),
          bytes: bytes.length,
          data,
        });
      }
      return;
    }
    this.#unanswered++;
    if (now - this.#unansweredLogged < UNANSWERED_REMINDER) return;
    this.#unansweredLogged = now;
    this.#log.warn?.("not answered", {
      peer: formatHostPort(address, port),
      endpoint: formatEndpoint(socket.endpoint),
      why: objection,
      datagrams: this.#unanswered,
    });
    this.#unanswered = 0;
  }

  /** Whether a new connection has to wait for another one to end. */
  #full(): boolean {
    const limit = this.#maxConnections;
    if (limit === 0 || this.#open.size < limit || this.#stopping) return false;
    this.#log.debug?.("full: others wait", { connections: limit });
    return true;
  }

  async #serveConnection({ stream, peer }: Arrival, endpoint: string): Promise<void> {
    const connection: Connection = {
      stream,
      peer,
      traffic: new Traffic(),
      opened: performance.now(),
      number: ++this.#accepted,
      endpoint,
      closed: false,
    };
    this.#open.add(connection);
    this.#log.debug?.("opened", identity(connection));
    const secure = endpoint.startsWith("tls:");
    let failure: unknown;
    try {
      const onRead = this.#dataLog(connection);
      await echo(stream, connection.traffic, this.#buffers, this.#turns, onRead);
      // Closing ends the sending side as well, but TLS wants to be told before.
      if (secure) await stream.closeWrite();
    } catch (error) {
      // A TLS peer that leaves without close_notify has reached its end (design, rule 4).
      if (!(error instanceof Deno.errors.UnexpectedEof)) failure = error;
    }
    connection.ending ??= endingAfter(failure);
    close(connection);
    this.#open.delete(connection);
    if (this.#maxConnections > 0) this.#announceChange();
    this.#logClosed(connection, failure);
  }

  #dataLog({ number }: Connection): ((bytes: Uint8Array) => void) | undefined {
    const form = this.#logData;
    if (form === "off") return undefined;
    return (bytes) =>
      this.#log.info?.("read", {
        connection: number,
        bytes: bytes.length,
        data: excerpt(bytes, form),
      });
  }

  /** One line tells a connection's whole story. One that came and went in silence, as probes do, is for debugging. */
  #logClosed(connection: Connection, failure: unknown): void {
    const { traffic, ending } = connection;
    if (ending === "error") {
      this.#log.info?.("closed", { ...story(connection), error: reason(failure) });
    } else if (ending === "drain" && traffic.sent < traffic.received) {
      this.#log.warn?.("closed before it was finished", story(connection));
    } else if (ending === "eof" && traffic.received === 0) {
      this.#log.debug?.("closed", story(connection));
    } else {
      this.#log.info?.("closed", story(connection));
    }
  }

  #closeIdle(): void {
    const looks = Math.ceil(this.#idleTimeout / lookInterval(this.#idleTimeout));
    for (const connection of this.#open) {
      if (connection.traffic.look() >= looks) close(connection, "idle");
    }
  }

  /**
   * Lets connections finish what they have received; the rest is cut off at the
   * time limit, or when it has been idle for too long.
   *
   * A finished connection is half-closed first: closed at once, it would answer
   * a peer that still sends with a reset, and a reset takes back what the peer
   * has not yet read.
   */
  async #drain(): Promise<void> {
    if (this.#open.size === 0) return;
    this.#log.info?.("draining", { connections: this.#open.size });
    const deadline = performance.now() + (this.#drainTimeout || Infinity);
    const idle = (this.#idleTimeout || Infinity) / DRAIN_LOOK;
    while (this.#open.size > 0) {
      await pause(DRAIN_LOOK);
      const overdue = performance.now() >= deadline;
      for (const connection of this.#open) {
        const { traffic, ending, stream } = connection;
        const looks = traffic.look();
        if (overdue) close(connection, "drain");
        else if (looks >= idle) close(connection, "idle");
        else if (ending === "drain") {
          if (looks >= FINISHED_LOOKS + LINGER_LOOKS) close(connection);
        } else if (looks >= FINISHED_LOOKS && traffic.sent === traffic.received) {
          connection.ending = "drain";
          // Should it fail, the connection's own task meets the same error.
          stream.closeWrite().catch(() => {});
        }
      }
    }
  }

  #announceChange(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

/** Closes a connection; its task, if it still runs, ends with the error that this brings it. */
function close(connection: Connection, ending?: Ending): void {
  if (connection.closed) return;
  connection.closed = true;
  connection.ending ??= ending;
  connection.stream.close();
}

/** What the log says of a connection from the start. */
function identity({ number, peer, endpoint }: Connection): LogFields {
  return { connection: number, peer: peer(), endpoint };
}

/** What the log says of a connection at its end. */
function story(connection: Connection): LogFields {
  const { traffic, opened, ending = "error" } = connection;
  return {
    ...identity(connection),
    received_bytes: traffic.received,
    sent_bytes: traffic.sent,
    duration_ms: Math.round(performance.now() - opened),
    why: ending,
  };
}

function endingAfter(failure: unknown): Ending {
  if (failure === undefined) return "eof";
  const code = errorCode(failure) ?? "";
  return ["ECONNRESET", "ECONNABORTED", "EPIPE", "ENOTCONN"].includes(code) ? "reset" : "error";
}

function isWildcard(endpoint: Endpoint): boolean {
  return endpoint.scheme !== "unix" && ["0.0.0.0", "::"].includes(endpoint.host);
}
