/**
 * Connecting to endpoints.
 *
 * @module
 */
import type { Endpoint } from "./endpoint.ts";
import { EndpointError } from "./error.ts";

/**
 * Opens a connection. Where a name has several addresses, they are tried in
 * turn, IPv6 and IPv4 (RFC 8305, by the runtime).
 *
 * @param timeout how long it may take, with the look-up of the name, in
 *   milliseconds; 0: as long as the system waits
 * @param signal gives up when it is aborted
 * @throws {EndpointError} refused, unreachable, unknown host or timed out
 * @throws the reason of the signal
 */
export async function dial(
  endpoint: Endpoint,
  timeout: number,
  signal?: AbortSignal,
): Promise<Deno.TcpConn> {
  const overdue = new AbortController();
  const timer = timeout > 0
    ? setTimeout(() => overdue.abort(`timed out after ${timeout / 1000}s`), timeout)
    : undefined;
  const given = signal === undefined ? overdue.signal : AbortSignal.any([overdue.signal, signal]);
  try {
    const { host, port } = endpoint;
    const conn = await Deno.connect({ hostname: host, port, signal: given });
    // What is sent should leave at once, not wait for more (Nagle).
    conn.setNoDelay(true);
    return conn;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const cause = overdue.signal.aborted ? overdue.signal.reason : error;
    throw new EndpointError("cannot connect to", endpoint, cause);
  } finally {
    clearTimeout(timer);
  }
}
