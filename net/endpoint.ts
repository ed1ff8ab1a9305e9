/**
 * Endpoints: where a server listens and a client connects, and how they are written.
 *
 * @module
 */
import { reason } from "../errors/reason.ts";
import { YodelError } from "../errors/yodel_error.ts";

/** The transports that have hosts and ports. */
export type HostScheme = "tcp" | "tls" | "udp";

/** An endpoint with a host and a port. */
export interface HostEndpoint<Scheme extends HostScheme = HostScheme> {
  /** What carries the bytes. */
  readonly scheme: Scheme;
  /** A name or an IP address; an IPv6 address stands without brackets. */
  readonly host: string;
  /** 0 to 65,535; 0 is any free port, and has a meaning only for listening. */
  readonly port: number;
}

/** A Unix socket. */
export interface UnixEndpoint {
  /** What carries the bytes. */
  readonly scheme: "unix";
  /** The name of its file. */
  readonly path: string;
}

/** Where to listen, or where to connect. */
export type Endpoint =
  | HostEndpoint<"tcp">
  | HostEndpoint<"tls">
  | HostEndpoint<"udp">
  | UnixEndpoint;

/** An endpoint with connections. */
export type StreamEndpoint = Exclude<Endpoint, HostEndpoint<"udp">>;

/** Whether a host stands for all addresses of a machine. */
export function isWildcard(host: string): boolean {
  return ["*", "0.0.0.0", "::"].includes(host);
}

/**
 * The endpoint with the address and port that it has in fact. The zone of a
 * link-local address is not in what the system says: fe80::1%eth0.
 */
export function boundTo<E extends HostEndpoint>(endpoint: E, bound: Deno.NetAddr): E {
  const host = endpoint.host.includes("%") ? endpoint.host : bound.hostname;
  return { ...endpoint, host, port: bound.port };
}

/** Writes an endpoint so that {@linkcode parseEndpoint} reads it: `tcp://[::1]:2222`. */
export function formatEndpoint(endpoint: Endpoint): string {
  if ("path" in endpoint) return `${endpoint.scheme}:${endpoint.path}`;
  return `${endpoint.scheme}://${formatHostPort(endpoint.host, endpoint.port)}`;
}

/** Gives an endpoint its text as its string, without a property that anybody sees. */
export function withText<E extends Endpoint>(endpoint: E): E {
  return Object.defineProperty({ ...endpoint }, "toString", {
    value: () => formatEndpoint(endpoint),
  });
}

/** Writes a host and a port as one word, an IPv6 address in brackets: `[::1]:2222`. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Writes where the other end of a connection is: `127.0.0.1:40312`; undefined for a Unix socket. */
export function addressOf(address: Deno.Addr): string | undefined {
  return "hostname" in address ? formatHostPort(address.hostname, address.port) : undefined;
}

/** Writes the same for people, to whom that of a Unix socket is `unix`. */
export function formatAddress(address: Deno.Addr): string {
  return addressOf(address) ?? "unix";
}

/** An endpoint that cannot be listened on or connected to. Its message is one line for people. */
export class EndpointError extends YodelError {
  /** Tells it from other errors. */
  override readonly name = "EndpointError";

  /**
   * Puts the line together.
   *
   * @param doing what failed, as in "cannot connect to"
   * @param endpoint on what it failed
   * @param cause why; anything that is not an Error is taken as the words themselves
   */
  constructor(doing: string, endpoint: Endpoint, cause: unknown) {
    super(`${doing} ${formatEndpoint(endpoint)}: ${reason(cause)}`, { cause });
  }
}
