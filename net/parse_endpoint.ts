import { YodelError } from "../errors/yodel_error.ts";
import {
  type Endpoint,
  formatEndpoint,
  type HostEndpoint,
  type HostScheme,
  withText,
} from "./endpoint.ts";
import { quoted } from "./escape.ts";
import { SCHEMES, TRANSPORTS } from "./transports.ts";

export const DEFAULT_ENDPOINT = { scheme: "tcp", host: "localhost", port: 2222 } as const;

const HOST_SCHEMES = SCHEMES.filter((scheme) => TRANSPORTS[scheme].prefix.endsWith("://"));
const PREFIXES = HOST_SCHEMES.map((scheme) => TRANSPORTS[scheme].prefix);

export const ENDPOINT_FORM = `[${PREFIXES.join("|")}][HOST:]PORT or unix:PATH`;

const HOST_FORM = new RegExp(
  `^(?:(?<scheme>${HOST_SCHEMES.join("|")})://)?` +
    String.raw`(?:(?<name>[\w.-]*|\*):|\[(?<ipv6>[\da-f:.]+(?:%[\w.-]+)?)\]:)?` +
    String.raw`(?<port>\d{1,5})/?$`,
  "i",
);

/**
 * Parses an endpoint: `tcp://HOST:PORT`, `tls://HOST:PORT`, `udp://HOST:PORT`, `unix:PATH`,
 * `HOST:PORT`, `:PORT` or `PORT`, with an IPv6 address in brackets. The default scheme is tcp,
 * the default host localhost. The host `*` means all addresses of a machine.
 *
 * @returns undefined for an invalid one
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, path] = /^unix:(?!@$)(\P{Cc}+)$/u.exec(text) ?? [];
  if (path !== undefined) return withText({ scheme: "unix", path });
  const parts = HOST_FORM.exec(text)?.groups;
  const port = Number(parts?.port);
  if (parts === undefined || port > 65535) return undefined;
  const scheme = (parts.scheme?.toLowerCase() ?? "tcp") as HostScheme;
  return withText({ scheme, host: parts.ipv6 || parts.name || DEFAULT_ENDPOINT.host, port });
}

export function parseTcpEndpoint(text: string): HostEndpoint<"tcp"> | undefined {
  const endpoint = parseEndpoint(text);
  return endpoint?.scheme === "tcp" ? endpoint : undefined;
}

/** @throws {YodelError} where it is invalid, or has a port below `leastPort` */
export function readEndpoint(given: Endpoint | string, leastPort: 0 | 1): Endpoint {
  const endpoint = typeof given === "string" ? parseEndpoint(given) : given;
  if (endpoint !== undefined && ("path" in endpoint || endpoint.port >= leastPort)) return endpoint;
  const text = typeof given === "string" ? given : formatEndpoint(given);
  const what = adviceOn(text) ?? `expected ${ENDPOINT_FORM}, PORT from ${leastPort} to 65535`;
  throw new YodelError(`endpoint ${quoted(text)}: ${what}`);
}

function adviceOn(text: string): string | undefined {
  if (/^unix:@?$/.test(text)) return "it has no path; use unix:PATH, such as unix:/tmp/echo.sock";
  if (/^unix:/.test(text)) return "its path has control characters";
  const [, scheme, rest = ""] = /^(?:([a-z][\w+.-]*):\/\/)?(.*?)\/?$/is.exec(text) ?? [];
  const before = scheme === undefined ? "" : `${scheme}://`;
  if (before !== "" && !PREFIXES.includes(before.toLowerCase())) {
    return `unsupported scheme ${before}; use ${PREFIXES.join(", ")} or unix:`;
  }
  const [, head = "", port] = /^(?:(.*):)?(\d+)$/.exec(rest) ?? [];
  const [address, place] = isIpv6(head) ? [head, port] : [rest, DEFAULT_ENDPOINT.port];
  if (isIpv6(address)) {
    return `an IPv6 address requires brackets; did you mean ${before}[${address}]:${place}?`;
  }
  if (Number(port) > 65535) return `port ${port} is out of range; the highest is 65535`;
  if (/^[./~]|\//.test(rest) && scheme === undefined) return `for a Unix socket, use unix:${text}`;
  if (/^(?:[a-z][\w.-]*|\d+(?:\.\d+){3}|\[[\da-f:.]+\]|\*):?$/i.test(rest)) {
    return `no port; did you mean ${before}${rest.replace(/:$/, "")}:${DEFAULT_ENDPOINT.port}?`;
  }
  return undefined;
}

/** A zone is allowed. */
function isIpv6(text: string): boolean {
  const [, address] = /^([\da-f:.]+)(?:%[\w.-]+)?$/i.exec(text) ?? [];
  return URL.canParse(`http://[${address}]`);
}
