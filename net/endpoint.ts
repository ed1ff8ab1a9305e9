/**
 * Endpoints: where a server listens and a client connects, as people write
 * them and as the program prints them.
 *
 * @module
 */

/** One end of a TCP connection: where to listen, or where to connect. */
export interface Endpoint {
  readonly scheme: "tcp";
  /** A name or an IP address; an IPv6 address stands without brackets. */
  readonly host: string;
  /** 0 to 65,535; 0 is any free port, and has a meaning only for listening. */
  readonly port: number;
}

/** What stands for an endpoint that was not given (design, "The command line"). */
export const DEFAULT_ENDPOINT: Endpoint = { scheme: "tcp", host: "localhost", port: 2222 };

/** What {@linkcode parseEndpoint} understands, for messages and help. */
export const ENDPOINT_FORM = "[tcp://][HOST:]PORT";

const FORM =
  /^(?:tcp:\/\/)?(?:(?<name>[\w.-]*):|\[(?<ipv6>[\da-f:.]+(?:%[\w.-]+)?)\]:)?(?<port>\d{1,5})$/i;

/**
 * Reads an endpoint: `tcp://HOST:PORT`, `HOST:PORT`, `:PORT` or `PORT`, with an
 * IPv6 address in brackets. Without a host it is localhost.
 *
 * @returns the endpoint, or undefined where `text` is none
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const parts = FORM.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const port = Number(parts.port);
  if (port > 65535) return undefined;
  return {
    scheme: "tcp",
    host: parts.ipv6 || parts.name || DEFAULT_ENDPOINT.host,
    port,
  };
}

/** Writes an endpoint so that {@linkcode parseEndpoint} reads it: `tcp://[::1]:2222`. */
export function formatEndpoint(endpoint: Endpoint): string {
  return `${endpoint.scheme}://${formatHostPort(endpoint.host, endpoint.port)}`;
}

/** Writes a host and a port as one word, an IPv6 address in brackets: `[::1]:2222`. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
