/**
 * Endpoints: where a server listens and a client connects, as people write
 * them and as the program prints them.
 *
 * @module
 */
import { reason } from "../errors/reason.ts";
import { YodelError } from "../errors/yodel_error.ts";
import { quoted } from "./escape.ts";

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

/** What stands for an endpoint that was not given (docs/architecture.md, "Endpoints"). */
export const DEFAULT_ENDPOINT: HostEndpoint<"tcp"> = {
  scheme: "tcp",
  host: "localhost",
  port: 2222,
};

/** What {@linkcode parseEndpoint} understands, for messages and help. */
export const ENDPOINT_FORM = "[tcp://|tls://|udp://][HOST:]PORT or unix:PATH";

const FORM =
  /^(?:(?<scheme>tcp|tls|udp):\/\/)?(?:(?<name>[\w.-]*|\*):|\[(?<ipv6>[\da-f:.]+(?:%[\w.-]+)?)\]:)?(?<port>\d{1,5})\/?$/i;

/**
 * Reads an endpoint: `tcp://HOST:PORT`, `tls://HOST:PORT`, `udp://HOST:PORT`, `unix:PATH`,
 * `HOST:PORT`, `:PORT` or `PORT`, with an IPv6 address in brackets. Without a
 * host it is localhost, without a scheme tcp. The host `*` stands for all
 * addresses of a machine.
 *
 * @returns the endpoint, or undefined where `text` is none
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, path] = /^unix:(?!@$)(\P{Cc}+)$/u.exec(text) ?? [];
  if (path !== undefined) return { scheme: "unix", path };
  const parts = FORM.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const port = Number(parts.port);
  if (port > 65535) return undefined;
  return {
    scheme: (parts.scheme?.toLowerCase() ?? "tcp") as HostScheme,
    host: parts.ipv6 || parts.name || DEFAULT_ENDPOINT.host,
    port,
  };
}

/**
 * Takes an endpoint as it is, or reads it from a text.
 *
 * @param leastPort 0 where any free port will do, otherwise 1
 * @throws {YodelError} for what is no endpoint
 */
export function readEndpoint(given: Endpoint | string, leastPort: 0 | 1): Endpoint {
  const endpoint = typeof given === "string" ? parseEndpoint(given) : given;
  if (leastPort === 1 && endpoint?.scheme !== "unix" && endpoint?.host === "*") {
    const near = formatEndpoint({ ...endpoint, host: DEFAULT_ENDPOINT.host });
    throw new YodelError(`endpoint ${formatEndpoint(endpoint)}: * is to listen on; ${near}?`);
  }
  if (endpoint !== undefined && (endpoint.scheme === "unix" || endpoint.port >= leastPort)) {
    return endpoint;
  }
  const text = typeof given === "string" ? given : formatEndpoint(given);
  const what = adviceOn(text) ?? `expected ${ENDPOINT_FORM}, PORT from ${leastPort} to 65535`;
  throw new YodelError(`endpoint ${quoted(text)}: ${what}`);
}

/** What is wrong with a text that is no endpoint, if that is known. */
function adviceOn(text: string): string | undefined {
  if (/^unix:@?$/.test(text)) return "it has no path: unix:/tmp/echo.sock?";
  if (/^unix:/.test(text)) return "its path has control characters";
  const [, scheme, rest = ""] = /^(?:([a-z][\w+.-]*):\/\/)?(.*?)\/?$/is.exec(text) ?? [];
  if (scheme !== undefined && !["tcp", "tls", "udp"].includes(scheme.toLowerCase())) {
    return `${scheme}:// is not spoken here; tcp://, tls://, udp:// and unix: are`;
  }
  const before = scheme === undefined ? "" : `${scheme}://`;
  const [, port = ""] = /^(?:.*:)?(\d+)$/.exec(rest) ?? [];
  const [, head = "", last] = /^(.*):(\d+)$/.exec(rest) ?? [];
  const [address, place] = isIpv6(head) ? [head, last] : [rest, DEFAULT_ENDPOINT.port];
  if (isIpv6(address)) {
    return `an IPv6 address stands in brackets: ${before}[${address}]:${place}?`;
  }
  if (Number(port) > 65535) return `the port is ${port}, and the last one is 65535`;
  if (/^[./~]|\//.test(rest) && scheme === undefined) return `is it a path? unix:${text}`;
  if (/^(?:[a-z][\w.-]*|\d+(?:\.\d+){3}|\[[\da-f:.]+\]|\*):?$/i.test(rest)) {
    return `it has no port: ${before}${rest.replace(/:$/, "")}:${DEFAULT_ENDPOINT.port}?`;
  }
  const isForeign = /^(?=.*[^\0-\x7f])[\p{L}\p{M}\p{N}.-]+$/u.test(head);
  const ascii = isForeign && URL.parse(`http://${head}`)?.hostname;
  return ascii ? `names are written in ASCII: ${before}${ascii}:${last}?` : undefined;
}

/** Whether a text is an IPv6 address, a zone included. */
function isIpv6(text: string): boolean {
  const [, address] = /^([\da-f:.]+)(?:%[\w.-]+)?$/i.exec(text) ?? [];
  return URL.canParse(`http://[${address}]`);
}

/** Whether a host stands for all addresses of a machine. */
export function isWildcard(host: string): boolean {
  return ["*", "0.0.0.0", "::"].includes(host);
}

/** Whether two endpoints are the same port, of addresses that can be the same. */
export function canBeOne(one: Endpoint, other: Endpoint): boolean {
  if (one.scheme === "unix" || other.scheme === "unix" || one.port !== other.port) return false;
  const isOneHost = one.host === other.host ||
    [one.host, other.host].some((host) => isWildcard(host) || host === "localhost");
  return isOneHost && (one.scheme === "udp") === (other.scheme === "udp");
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
  if (endpoint.scheme === "unix") return `unix:${endpoint.path}`;
  return `${endpoint.scheme}://${formatHostPort(endpoint.host, endpoint.port)}`;
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
