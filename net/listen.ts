import { errorCode } from "../errors/reason.ts";
import { type Endpoint, EndpointError, type HostEndpoint } from "./endpoint.ts";
import type { Listener, ListenOptions } from "./stream.ts";
import { type Transport, TRANSPORTS } from "./transports.ts";
import type { DatagramListener } from "./udp.ts";

/** How often to look for a port that is free on both addresses of a name. */
const PORT_TRIES = 10;

/** Names that mean two addresses, with one port. */
const TWO_ADDRESSES = new Map<string, readonly [string, string]>([
  ["localhost", ["127.0.0.1", "::1"]],
  ["*", ["::", "0.0.0.0"]],
]);

type AnyListener = Listener | DatagramListener;

/** Listens on each address of all endpoints, or on none. */
export async function openAll(
  endpoints: readonly Endpoint[],
  options: ListenOptions,
): Promise<AnyListener[]> {
  const opened: AnyListener[] = [];
  try {
    for (const endpoint of endpoints) {
      const more = await listen(endpoint, options).catch((error) => {
        const isOwn = opened.some(({ endpoint: other }) =>
          "port" in endpoint && "port" in other && other.port === endpoint.port
        );
        if (!isOwn || errorCode(error.cause) !== "EADDRINUSE") throw error;
        throw new EndpointError("cannot listen on", endpoint, "address in use; is it given twice?");
      });
      opened.push(...more);
    }
    return opened;
  } catch (error) {
    for (const one of opened) one.close();
    throw error;
  }
}

async function listen(endpoint: Endpoint, options: ListenOptions): Promise<AnyListener[]> {
  const transport: Transport = TRANSPORTS[endpoint.scheme];
  const how = (one: Endpoint) => transport.listen(one, options);
  return "host" in endpoint ? await openAtEach(endpoint, how) : [await open(endpoint, how)];
}

type Open<E extends Endpoint, T> = (endpoint: E) => Promise<T> | T;

async function open<E extends Endpoint, T>(endpoint: E, how: Open<E, T>): Promise<T> {
  try {
    return await how(endpoint);
  } catch (error) {
    const isLow = "port" in endpoint && endpoint.port < 1024;
    const why = isLow && errorCode(error) === "EACCES"
      ? "permission denied; ports below 1024 require privileges"
      : error;
    throw new EndpointError("cannot listen on", endpoint, why);
  }
}

/** Opens something at each address of an endpoint, on one port, or at none. */
export async function openAtEach<E extends HostEndpoint, T extends AnyListener>(
  endpoint: E,
  how: Open<E, T>,
  tries = PORT_TRIES,
): Promise<T[]> {
  const opened: T[] = [];
  let missing: unknown;
  for (const host of TWO_ADDRESSES.get(endpoint.host) ?? [endpoint.host]) {
    const [first] = opened;
    try {
      const { port } = first !== undefined && "port" in first.endpoint ? first.endpoint : endpoint;
      opened.push(await open({ ...endpoint, host, port }, how));
    } catch (error) {
      const code = error instanceof EndpointError ? errorCode(error.cause) : undefined;
      const isTaken = first !== undefined && code === "EADDRINUSE";
      // Some machines lack IPv4 or IPv6. Except on Windows (denoland/deno#36168), :: is both.
      if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT" || isTaken && endpoint.host === "*") {
        missing = error;
        continue;
      }
      first?.close();
      if (!isTaken || endpoint.port > 0 || tries === 1) throw error;
      return await openAtEach(endpoint, how, tries - 1);
    }
  }
  if (opened.length === 0) throw missing;
  return opened;
}
