/**
 * Connecting to endpoints.
 *
 * @module
 */
import type { StreamEndpoint } from "./endpoint.ts";
import { EndpointError } from "./endpoint_error.ts";
import type { ClientTls, Stream } from "./stream.ts";
import { dialTcp } from "./tcp.ts";
import { dialUnix } from "./unix.ts";

/** Settings of {@linkcode dial}. */
export interface DialOptions {
  /**
   * How long it may take, with the look-up of the name and the handshake of
   * TLS, in milliseconds; 0: as long as the system waits.
   */
  readonly timeout: number;
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal;
  readonly tls?: ClientTls;
  /** Called when all is done but the handshake of TLS. */
  readonly onHandshake?: () => void;
}

/**
 * Opens a connection.
 *
 * @throws {EndpointError} refused, unreachable, unknown host or timed out
 * @throws the reason of the signal
 */
export async function dial(
  endpoint: StreamEndpoint,
  { timeout, signal, tls = {}, onHandshake }: DialOptions,
): Promise<Stream> {
  const overdue = new AbortController();
  const timer = timeout > 0
    ? setTimeout(() => overdue.abort(`timed out after ${timeout / 1000}s`), timeout)
    : undefined;
  const given = signal === undefined ? overdue.signal : AbortSignal.any([overdue.signal, signal]);
  try {
    if (endpoint.scheme === "unix") return await dialUnix(endpoint);
    const conn = await dialTcp(endpoint, given);
    if (endpoint.scheme === "tcp") return conn;
    onHandshake?.();
    return await (await import("./tls.ts")).startTls(conn, endpoint.host, tls, given);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const cause = overdue.signal.aborted ? overdue.signal.reason : error;
    throw new EndpointError("cannot connect to", endpoint, cause);
  } finally {
    clearTimeout(timer);
  }
}
