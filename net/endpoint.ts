// Endpoints: where a server listens and a client connects.
import { reason } from "../errors/reason.ts";
import { YodelError } from "../errors/yodel_error.ts";

/** The schemes of endpoints with a host and a port. */
export type HostScheme = "tcp" | "tls" | "udp";

/** An endpoint with a host and a port. */
export interface HostEndpoint<Scheme extends HostScheme = HostScheme> {
  /** The transport. */
  readonly scheme: Scheme;
  /** A name or an IP address; an IPv6 address has no brackets. */
  readonly host: string;
  /** 0 to 65,535; for listening, 0 is any free port. */
  readonly port: number;
}

/** A Unix socket. */
export interface UnixEndpoint {
  /** The transport. */
  readonly scheme: "unix";
  /** The path of its file. */
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

export function isWildcard(host: string): boolean {
  return ["*", "0.0.0.0", "::"].includes(host);
}

/** An endpoint with its bound address; the system leaves out the zone of fe80::1%eth0. */
export function boundTo<E extends HostEndpoint>(endpoint: E, bound: Deno.NetAddr): E {
  const host = endpoint.host.includes("%") ? endpoint.host : bound.hostname;
  return { ...endpoint, host, port: bound.port };
}

/** Formats an endpoint so that {@linkcode parseEndpoint} reads it: `tcp://[::1]:2222`. */
export function formatEndpoint(endpoint: Endpoint): string {
  if ("path" in endpoint) return `${endpoint.scheme}:${endpoint.path}`;
  return `${endpoint.scheme}://${formatHostPort(endpoint.host, endpoint.port)}`;
}

/** A copy that `String` formats; the function is not enumerable. */
export function withText<E extends Endpoint>(endpoint: E): E {
  return Object.defineProperty({ ...endpoint }, "toString", {
    value: () => formatEndpoint(endpoint),
  });
}

export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address of a peer: `127.0.0.1:40312`; undefined for a Unix socket. */
export function addressOf(address: Deno.Addr): string | undefined {
  return "hostname" in address ? formatHostPort(address.hostname, address.port) : undefined;
}

export function formatAddress(address: Deno.Addr): string {
  return addressOf(address) ?? address.transport;
}

/** An endpoint that cannot be listened on or connected to. Its message is one line for people. */
export class EndpointError extends YodelError {
  /** Takes what failed, such as "cannot connect to", where, and why: an error, or a text. */
  constructor(doing: string, endpoint: Endpoint, cause: unknown) {
    super(`${doing} ${formatEndpoint(endpoint)}: ${reason(cause)}`, { cause });
  }
}
