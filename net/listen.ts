// Listening on endpoints.
import { errorCode } from "../errors/reason.ts";
import {
  type Endpoint,
  EndpointError,
  type HostEndpoint,
  isOnePort,
  type StreamEndpoint,
} from "./endpoint.ts";
import type { Listener, ServerTls } from "./stream.ts";
import { listenTcp, type Sharing } from "./tcp.ts";
import { type DatagramListener, listenUdp } from "./udp.ts";
import { listenUnix } from "./unix.ts";

/** Settings of {@linkcode openAll}. */
export interface ListenOptions {
  /** How many connections of TCP wait in the kernel to be accepted; it has its own limit as well. */
  readonly backlog: number;
  /** Permissions of the files of Unix sockets, such as 0o600. */
  readonly socketMode: number;
  /** What `tls://` endpoints need. */
  readonly tls?: Partial<ServerTls>;
  /** Whether connections are to be such that they can be reset. */
  readonly resettable?: boolean;
  /** Which of several threads that listen at the same ports this is, where there are several. */
  readonly sharing?: Sharing;
}

/** How often to look for a port that is free on all addresses of a name. */
const PORT_TRIES = 10;

/**
 * Names that are two addresses: a server listens on both, with the same port,
 * where the machine has both. What a client makes of the name is not for the
 * server to guess.
 */
const TWO_ADDRESSES = new Map<string, readonly [string, string]>([
  ["localhost", ["127.0.0.1", "::1"]],
  ["*", ["::", "0.0.0.0"]],
]);

/**
 * Listens on all endpoints, at each address that they mean, or on none.
 *
 * @throws {EndpointError} for one that cannot be listened on
 */
export async function openAll(
  endpoints: readonly Endpoint[],
  options: ListenOptions,
): Promise<(Listener | DatagramListener)[]> {
  const opened: (Listener | DatagramListener)[] = [];
  try {
    for (const endpoint of endpoints) {
      const more = endpoint.scheme === "udp"
        ? openAtEach(endpoint, listenUdp)
        : listen(endpoint, options);
      opened.push(
        ...await more.catch((error) => {
          const isOwn = opened.some((other) => isOnePort(other.endpoint, endpoint));
          if (!isOwn || codeOf(error) !== "EADDRINUSE") throw error;
          throw new EndpointError(
            "cannot listen on",
            endpoint,
            "address in use; is it given twice?",
          );
        }),
      );
    }
    return opened;
  } catch (error) {
    for (const one of opened) one.close();
    throw error;
  }
}

async function listen(endpoint: StreamEndpoint, options: ListenOptions): Promise<Listener[]> {
  switch (endpoint.scheme) {
    case "unix":
      return [await open(endpoint, (endpoint) => listenUnix(endpoint, options.socketMode))];
    case "tcp":
      return await openAtEach(endpoint, (endpoint) => listenOverTcp(endpoint, options));
    case "tls":
      return await openAtEach(endpoint, async (endpoint) => {
        const { cert, key, clientCa } = options.tls ?? {};
        if (!cert || !key) throw new Error("it needs a certificate and a key");
        const { listenTls } = await import("./tls.ts");
        return listenTls(await listenOverTcp(endpoint, options), { cert, key, clientCa });
      });
  }
}

async function listenOverTcp<E extends HostEndpoint>(
  endpoint: E,
  { backlog, resettable, sharing }: ListenOptions,
): Promise<Listener<E>> {
  if (!resettable) return listenTcp(endpoint, backlog, sharing);
  const { listenResettable } = await import("./resettable.ts");
  return await listenResettable(endpoint, backlog);
}

/** Something that was opened at an address. */
interface Opened {
  readonly endpoint: HostEndpoint;
  close(): void;
}

type Open<E extends Endpoint, T> = (endpoint: E) => Promise<T> | T;

async function open<E extends Endpoint, T>(endpoint: E, how: Open<E, T>): Promise<T> {
  try {
    return await how(endpoint);
  } catch (error) {
    throw new EndpointError("cannot listen on", endpoint, whyNot(endpoint, error));
  }
}

/** Adds what the system does not say. */
function whyNot(endpoint: Endpoint, error: unknown): unknown {
  const isLow = endpoint.scheme !== "unix" && endpoint.port < 1024;
  if (!isLow || errorCode(error) !== "EACCES") return error;
  return "permission denied; ports below 1024 need more rights";
}

/**
 * Opens something at each address that an endpoint means, with the same port, or at none.
 *
 * @throws {EndpointError} where it cannot be listened on
 */
export async function openAtEach<E extends HostEndpoint, T extends Opened>(
  endpoint: E,
  how: Open<E, T>,
): Promise<T[]> {
  const addresses = TWO_ADDRESSES.get(endpoint.host);
  if (addresses === undefined) return [await open(endpoint, how)];
  for (let tries = 1;; tries++) {
    const [first, second] = addresses;
    const one = await openWhereThereIs({ ...endpoint, host: first }, how);
    if (one === undefined) return [await open({ ...endpoint, host: second }, how)];
    const { port } = one.endpoint;
    try {
      const other = await openWhereThereIs({ ...endpoint, host: second, port }, how);
      return other === undefined ? [one] : [one, other];
    } catch (error) {
      // On most systems :: takes IPv4 too, and leaves nothing to do for 0.0.0.0.
      if (endpoint.host === "*" && codeOf(error) === "EADDRINUSE") return [one];
      one.close();
      const takenByChance = endpoint.port === 0 && codeOf(error) === "EADDRINUSE";
      if (!takenByChance || tries === PORT_TRIES) throw error;
    }
  }
}

/** Opens something at an address, or returns undefined where this machine does not have it. */
async function openWhereThereIs<E extends HostEndpoint, T extends Opened>(
  endpoint: E,
  how: Open<E, T>,
): Promise<T | undefined> {
  try {
    return await open(endpoint, how);
  } catch (error) {
    if (["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof EndpointError ? errorCode(error.cause) : undefined;
}
