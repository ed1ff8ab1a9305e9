// Connecting to endpoints.
import { pause } from "../async/pause.ts";
import { reason } from "../errors/reason.ts";
import { type Endpoint, EndpointError, type StreamEndpoint } from "./endpoint.ts";
import type { Family } from "./resolve.ts";
import type { ClientTls, Stream } from "./stream.ts";
import { dialTcp } from "./tcp.ts";
import { dialUnix } from "./unix.ts";

/** How long to wait before another try, in milliseconds. */
const AGAIN = 100;

/** How any client opens a connection to its server. */
export interface DialOptions {
  /** Certificates for a `tls://` endpoint besides those that the system trusts. */
  readonly tls?: ClientTls;
  /** How long to retry while the server is not there, in milliseconds. Default: 0. */
  readonly wait?: number;
  /** Uses only addresses of this family. Default: any. */
  readonly family?: Family;
  /** Called before each retry, with why the last try failed. */
  readonly onRetry?: (why: string) => void;
}

/** The same for one call of {@linkcode dial}, with its limit. */
export interface DialAttempt extends DialOptions {
  /**
   * How long a try may take, with the look-up of the name and the handshake of
   * TLS, in milliseconds; 0: as long as the system waits.
   */
  readonly timeout: number;
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal;
}

/** A connection that was opened, and how long that took, in milliseconds. */
export interface Dialled {
  readonly conn: Stream;
  /** From the beginning of the try that did it, without the handshake of TLS. */
  readonly connect: number;
  /** That handshake. */
  readonly handshake?: number;
}

/**
 * Opens a connection. What the handshake of TLS fails with is not tried again.
 *
 * @throws {EndpointError} refused, unreachable, unknown host or timed out
 * @throws the reason of the signal
 */
export async function dial(endpoint: StreamEndpoint, options: DialAttempt): Promise<Dialled> {
  const { wait = 0, signal } = options;
  if (wait === 0) return await dialOnce(endpoint, options);
  let why: string | undefined;
  let isThere = false;
  return await inTime(endpoint, wait, signal, async (given) => {
    for (;;) {
      try {
        return await dialOnce(endpoint, { ...options, signal: given }, () => isThere = true);
      } catch (error) {
        if (isThere || !(error instanceof EndpointError)) throw error;
        why = reason(error.cause);
        options.onRetry?.(why);
        await pause(AGAIN, given);
      }
    }
  }, (time) => isThere ? undefined : why && `${why}, and no better in ${time}`);
}

async function dialOnce(
  endpoint: StreamEndpoint,
  { timeout, signal, tls = {}, family }: DialAttempt,
  onHandshake?: () => void,
): Promise<Dialled> {
  const start = performance.now();
  const time = () => performance.now() - start;
  return await inTime(endpoint, timeout, signal, async (given) => {
    if (endpoint.scheme === "unix") {
      return { conn: await dialUnix(endpoint, given), connect: time() };
    }
    const conn = await dialTcp(endpoint, given, family);
    const connect = time();
    if (endpoint.scheme === "tcp") return { conn, connect };
    onHandshake?.();
    const { startTls } = await import("./tls.ts");
    const secured = await startTls(conn, endpoint.host, tls, given);
    return { conn: secured, connect, handshake: time() - connect };
  });
}

/**
 * Does what it takes to reach an endpoint, with a signal for when it takes too long.
 *
 * @param timeout how long it may take, in milliseconds; 0 or Infinity: for ever
 * @param late why it could not be reached in that time, where there is more to say
 * @throws {EndpointError} where it fails, or takes too long
 * @throws the reason of the signal
 */
export async function inTime<T>(
  endpoint: Endpoint,
  timeout: number,
  signal: AbortSignal | undefined,
  reached: (given: AbortSignal) => Promise<T>,
  late: (time: string) => string | undefined = () => undefined,
): Promise<T> {
  const overdue = new AbortController();
  const time = `${timeout / 1000}s`;
  const timer = timeout > 0 && timeout < Infinity
    ? setTimeout(() => overdue.abort(late(time) ?? `timed out after ${time}`), timeout)
    : undefined;
  const given = signal === undefined ? overdue.signal : AbortSignal.any([overdue.signal, signal]);
  try {
    return await reached(given);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const cause = overdue.signal.aborted ? overdue.signal.reason : error;
    if (cause instanceof EndpointError) throw cause;
    throw new EndpointError("cannot connect to", endpoint, cause);
  } finally {
    clearTimeout(timer);
    // Else the signal that was given would keep who has listened to both.
    overdue.abort("over");
  }
}
