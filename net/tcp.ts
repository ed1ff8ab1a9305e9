/**
 * TCP, on both sides.
 *
 * What is sent leaves at once on either: an answer longer than the server's
 * buffer would otherwise wait for the peer's delayed acknowledgement of its
 * first part (Nagle, 44 ms).
 *
 * @module
 */
import { onAbort } from "../async/pause.ts";
import { boundTo, type HostEndpoint } from "./endpoint.ts";
import { addressesOf, type Family } from "./resolve.ts";
import type { Listener, ListenOptions } from "./stream.ts";

/**
 * A connection that is given up can be open already, where this program was too busy to see it: then
 * Deno 2.9 would lose its socket. So it is waited for so much longer, in milliseconds.
 */
const LAST_LOOK = 50;

/**
 * Listens for TCP connections at an address, over which another transport may run.
 *
 * @throws what is wrong with the address
 */
export async function listenTcp<E extends HostEndpoint>(
  endpoint: E,
  { backlog, sharing, resettable }: Pick<ListenOptions, "backlog" | "sharing" | "resettable">,
): Promise<Listener<E>> {
  if (resettable) {
    const { listenResettable } = await import("./resettable.ts");
    return await listenResettable(endpoint, backlog);
  }
  const { host: hostname, port } = endpoint;
  // Where a port can be shared, the system does not say that another program has it.
  if (sharing === "first") Deno.listen({ hostname, port }).close();
  const reusePort = sharing !== undefined;
  const listener = Deno.listen({ hostname, port, tcpBacklog: backlog, reusePort });
  return {
    endpoint: boundTo(endpoint, listener.addr),
    accept: async () => withoutDelay(await listener.accept()),
    close: () => listener.close(),
  };
}

/**
 * Opens a TCP connection. Where a name has several addresses, the runtime tries them in turn
 * (RFC 8305).
 *
 * @throws why it cannot be opened, or the reason of the signal
 */
export async function dialTcp(
  { host, port }: HostEndpoint,
  { family }: { readonly family?: Family },
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  // The runtime tries all addresses of other names, and needs no look-up for that.
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
  using _givingUp = onAbort(signal, () => {
    timer = setTimeout(() => late.abort(), LAST_LOOK);
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

function withoutDelay(conn: Deno.TcpConn): Deno.TcpConn {
  try {
    conn.setNoDelay(true);
    return conn;
  } catch (error) {
    // The peer has gone already.
    conn.close();
    throw error;
  }
}
