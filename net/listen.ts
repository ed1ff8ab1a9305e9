/**
 * Listening on endpoints.
 *
 * @module
 */
import type { Endpoint } from "./endpoint.ts";
import { EndpointError, errorCode } from "./error.ts";

/** How often to look for a port that is free on both addresses of localhost. */
const PORT_TRIES = 10;

/**
 * Listens on every endpoint, or on none of them.
 *
 * `localhost` means 127.0.0.1 and ::1, with the same port, where the machine
 * has both: what a client makes of the name is not for the server to guess.
 *
 * @param backlog how many connections wait in the kernel to be accepted, for
 *   each listener; the kernel has its own limit as well
 * @throws {EndpointError} where one of them cannot be listened on
 */
export function listen(endpoints: readonly Endpoint[], backlog: number): Deno.TcpListener[] {
  const listeners: Deno.TcpListener[] = [];
  try {
    for (const endpoint of endpoints) listeners.push(...listenOn(endpoint, backlog));
  } catch (error) {
    close(listeners);
    throw error;
  }
  return listeners;
}

function listenOn(endpoint: Endpoint, backlog: number): Deno.TcpListener[] {
  const { host, port } = endpoint;
  if (host === "localhost") return listenOnLocalhost(port, backlog);
  return [listenAt(host, port, backlog)];
}

function listenOnLocalhost(port: number, backlog: number): Deno.TcpListener[] {
  for (let tries = 1;; tries++) {
    const v4 = listenWhereThereIs("127.0.0.1", port, backlog);
    if (v4 === undefined) return [listenAt("::1", port, backlog)];
    try {
      const v6 = listenWhereThereIs("::1", v4.addr.port, backlog);
      return v6 === undefined ? [v4] : [v4, v6];
    } catch (error) {
      v4.close();
      const takenByChance = port === 0 && codeOf(error) === "EADDRINUSE";
      if (!takenByChance || tries === PORT_TRIES) throw error;
    }
  }
}

/** Listens on an address, or returns undefined where this machine does not have it. */
function listenWhereThereIs(
  address: string,
  port: number,
  backlog: number,
): Deno.TcpListener | undefined {
  try {
    return listenAt(address, port, backlog);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") return undefined;
    throw error;
  }
}

function listenAt(hostname: string, port: number, tcpBacklog: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port, tcpBacklog });
  } catch (error) {
    throw new EndpointError("cannot listen on", { scheme: "tcp", host: hostname, port }, error);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof EndpointError ? errorCode(error.cause) : undefined;
}

function close(listeners: readonly Deno.Listener[]): void {
  for (const listener of listeners) listener.close();
}
