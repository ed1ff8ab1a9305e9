import { onAbort } from "../async/pause.ts";
import { boundTo, type HostEndpoint } from "./endpoint.ts";
import { addressesOf } from "./attempt.ts";
import { listenResettable } from "./resettable.ts";
import { BACKLOG, type Listener, type ListenOptions } from "./stream.ts";
import type { DialOptions } from "./dial_options.ts";

/**
 * Deno 2.9 leaks the socket of a connection that is open when the signal is aborted, but not yet
 * returned. So the signal is passed on later, in milliseconds.
 */
const ABORT_DELAY = 50;

export async function listenTcp<E extends HostEndpoint>(
  endpoint: E,
  { sharing, resettable }: Pick<ListenOptions, "sharing" | "resettable"> = {},
): Promise<Listener<E>> {
  if (resettable) return await listenResettable(endpoint);
  const { host: hostname, port } = endpoint;
  // With reusePort, listening does not fail where another program has the port.
  if (sharing === "first") Deno.listen({ hostname, port }).close();
  const reusePort = sharing !== undefined;
  const listener = Deno.listen({ hostname, port, tcpBacklog: BACKLOG, reusePort });
  return {
    endpoint: boundTo(endpoint, listener.addr),
    accept: async () => withoutDelay(await listener.accept()),
    close: () => listener.close(),
  };
}

export async function dialTcp(
  { host, port }: HostEndpoint,
  { family }: Pick<DialOptions, "family">,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  // Deno looks up other names, and tries all their addresses (RFC 8305).
  const hosts = family === undefined && host !== "localhost"
    ? [host]
    : await addressesOf(host, family, signal);
  const [hostname = host, other] = hosts;
  try {
    return await connect(hostname, port, signal);
  } catch (error) {
    if (other === undefined || signal.aborted) throw error;
    return await connect(other, port, signal).catch(() => Promise.reject(error));
  }
}

async function connect(hostname: string, port: number, signal: AbortSignal): Promise<Deno.TcpConn> {
  const late = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  using _aborting = onAbort(signal, () => {
    timer = setTimeout(() => late.abort(), ABORT_DELAY);
  });
  try {
    const conn = await Deno.connect({ hostname, port, signal: late.signal });
    if (!signal.aborted) return withoutDelay(conn);
    conn.close();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  throw signal.reason;
}

/** Switches off Nagle's algorithm: with delayed ACKs, messages longer than a buffer take 44 ms. */
function withoutDelay(conn: Deno.TcpConn): Deno.TcpConn {
  try {
    conn.setNoDelay(true);
    return conn;
  } catch (error) {
    // The peer has reset the connection.
    conn.close();
    throw error;
  }
}
