/**
 * Listening on endpoints.
 *
 * @module
 */
import type { Endpoint, HostEndpoint } from "./endpoint.ts";
import { errorCode } from "../errors/reason.ts";
import { EndpointError } from "./endpoint_error.ts";
import type { Stream } from "./stream.ts";
import { listenTcp } from "./tcp.ts";
import { listenTls, type ServerTls } from "./tls.ts";
import { listenOnUnix } from "./unix.ts";

/** Something that connections arrive at. */
export interface Listener {
  /** Where it listens, with the address and port that it has in fact. */
  readonly endpoint: Endpoint;
  /** Waits for the next connection; throws for one that failed, and when it is closed. */
  accept(): Promise<Arrival>;
  close(): void;
}

/** A connection that was accepted. */
export interface Arrival {
  readonly stream: Stream;
  /** Who it is from, for the log: `127.0.0.1:40312`. */
  readonly peer: () => string;
}

/** A listener at an address and port, whatever it speaks. */
export interface AddressListener extends Omit<Listener, "endpoint"> {
  readonly addr: Deno.NetAddr;
}

/** Settings of {@linkcode listen}. */
export interface ListenOptions {
  /** How many connections wait in the kernel to be accepted; the kernel has its own limit as well. */
  readonly backlog: number;
  /** Permissions of the files of Unix sockets, such as 0o600. */
  readonly socketMode: number;
  /** What `tls://` endpoints need. */
  readonly tls?: ServerTls;
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
 * Listens for connections, at each address that an endpoint means.
 *
 * @throws {EndpointError} where it cannot be listened on
 */
export async function listen(endpoint: Endpoint, options: ListenOptions): Promise<Listener[]> {
  if (endpoint.scheme === "unix") return [await listenOnUnix(endpoint, options.socketMode)];
  return await atEachAddress(endpoint, (endpoint) => listenAt(endpoint, options));
}

/** Something that was opened at an address. */
interface Opened {
  readonly endpoint: HostEndpoint;
  close(): void;
}

/**
 * Opens something at each address that an endpoint means, with the same port.
 *
 * @throws {EndpointError} where one cannot be opened; then none is
 */
export async function atEachAddress<T extends Opened>(
  endpoint: HostEndpoint,
  open: (endpoint: HostEndpoint) => Promise<T>,
): Promise<T[]> {
  const addresses = TWO_ADDRESSES.get(endpoint.host);
  if (addresses === undefined) return [await open(endpoint)];
  for (let tries = 1;; tries++) {
    const [first, second] = addresses;
    const one = await openWhereThereIs({ ...endpoint, host: first }, open);
    if (one === undefined) return [await open({ ...endpoint, host: second })];
    const { port } = one.endpoint;
    try {
      const other = await openWhereThereIs({ ...endpoint, host: second, port }, open);
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
async function openWhereThereIs<T extends Opened>(
  endpoint: HostEndpoint,
  open: (endpoint: HostEndpoint) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await open(endpoint);
  } catch (error) {
    if (["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

async function listenAt(
  endpoint: HostEndpoint,
  options: ListenOptions,
): Promise<Listener & Opened> {
  const { backlog, tls } = options;
  try {
    if (endpoint.scheme === "tls" && tls === undefined) {
      throw new Error("it needs a certificate and a key");
    }
    const listener = endpoint.scheme === "tls" && tls !== undefined
      ? await listenTls(endpoint, backlog, tls)
      : listenTcp(endpoint, backlog);
    const { addr } = listener;
    return {
      endpoint: { ...endpoint, host: addr.hostname, port: addr.port },
      accept: () => listener.accept(),
      close: () => listener.close(),
    };
  } catch (error) {
    throw new EndpointError("cannot listen on", endpoint, error);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof EndpointError ? errorCode(error.cause) : undefined;
}
