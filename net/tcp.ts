/**
 * Listening over TCP.
 *
 * @module
 */
import { formatHostPort, type HostEndpoint } from "./endpoint.ts";
import type { AddressListener, Arrival } from "./listen.ts";

/**
 * Listens for TCP connections at an address.
 *
 * @throws what is wrong with the address
 */
export function listenTcp({ host, port }: HostEndpoint, backlog: number): AddressListener {
  const listener = Deno.listen({ hostname: host, port, tcpBacklog: backlog });
  return {
    addr: listener.addr,
    accept: async () => arrival(await listener.accept()),
    close: () => listener.close(),
  };
}

function arrival(conn: Deno.TcpConn): Arrival {
  // An answer longer than the server's buffer would otherwise wait for the
  // peer's delayed acknowledgement of its first part (Nagle, 44 ms).
  try {
    conn.setNoDelay(true);
  } catch (error) {
    conn.close();
    throw error;
  }
  return {
    stream: conn,
    peer: () => formatHostPort(conn.remoteAddr.hostname, conn.remoteAddr.port),
  };
}
