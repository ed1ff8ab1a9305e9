/**
 * The transports: what each of them is, how it listens and how it connects. Nothing else in the
 * program asks for the scheme of an endpoint.
 *
 * @module
 */
import type { DialOptions } from "./dial_options.ts";
import type { Endpoint, HostEndpoint, StreamEndpoint, UnixEndpoint } from "./endpoint.ts";
import type { Listener, ListenOptions, Stream } from "./stream.ts";
import { dialTcp, listenTcp } from "./tcp.ts";
import { type DatagramListener, listenUdp } from "./udp.ts";
import { dialUnix, listenUnix } from "./unix.ts";

/** A transport. */
export interface Transport<E extends Endpoint = Endpoint> {
  /** Whether it has connections, and not datagrams. */
  readonly hasConnections: boolean;
  /** Whether its endpoints are `SCHEME://HOST:PORT`, and not `SCHEME:PATH`. */
  readonly hasHost: boolean;
  /** Whether it is TLS: with certificates, a handshake, and an alert at the end. */
  readonly hasTls: boolean;
  /** Whether several threads can listen at one port. */
  readonly canBeShared: boolean;
  /** Whether a connection can be reset on purpose. */
  readonly canBeReset: boolean;
  /** @throws why it cannot listen there */
  listen(
    endpoint: E,
    options: ListenOptions,
  ): Promise<Listener | DatagramListener> | DatagramListener;
}

/** A transport with connections. */
export interface StreamTransport<E extends Endpoint> extends Transport<E> {
  /**
   * @param onConnect is called before the handshake, where there is one
   * @throws why it cannot connect there, or the reason of the signal
   */
  dial(
    endpoint: E,
    options: DialOptions,
    signal: AbortSignal,
    onConnect: () => void,
  ): Promise<Stream>;
}

const tcp: StreamTransport<HostEndpoint<"tcp">> = {
  hasConnections: true,
  hasHost: true,
  hasTls: false,
  canBeShared: true,
  canBeReset: true,
  listen: listenTcp,
  dial: dialTcp,
};

const tls: StreamTransport<HostEndpoint<"tls">> = {
  hasConnections: true,
  hasHost: true,
  hasTls: true,
  canBeShared: true,
  canBeReset: true,
  // Node's TLS takes its time to load.
  listen: async (...given) => (await import("./tls.ts")).listenTls(...given),
  dial: async (...given) => (await import("./tls.ts")).dialTls(...given),
};

const udp: Transport<HostEndpoint<"udp">> = {
  hasConnections: false,
  hasHost: true,
  hasTls: false,
  canBeShared: false, // Deno shares the ports of TCP alone.
  canBeReset: false,
  listen: listenUdp,
};

const unix: StreamTransport<UnixEndpoint> = {
  hasConnections: true,
  hasHost: false,
  hasTls: false,
  canBeShared: false,
  canBeReset: false,
  listen: listenUnix,
  dial: dialUnix,
};

/** All transports, by the schemes of their endpoints. */
export const TRANSPORTS = { tcp, tls, udp, unix } as const;

/** The scheme of an endpoint. */
export type Scheme = keyof typeof TRANSPORTS;

/** All schemes. */
export const SCHEMES = Object.keys(TRANSPORTS) as readonly Scheme[];

/** Those of transports with connections. */
export const STREAMS: readonly Scheme[] = SCHEMES.filter((one) => TRANSPORTS[one].hasConnections);

/** Those of transports whose endpoints have hosts and ports. */
export const HOSTS: readonly Scheme[] = SCHEMES.filter((one) => TRANSPORTS[one].hasHost);

/** What an endpoint begins with: `tcp://`, `unix:`. */
export function prefixOf(scheme: Scheme): string {
  return TRANSPORTS[scheme].hasHost ? `${scheme}://` : `${scheme}:`;
}

/** Whether an endpoint has connections, and not datagrams. */
export function hasConnections(endpoint: Endpoint): endpoint is StreamEndpoint {
  return TRANSPORTS[endpoint.scheme].hasConnections;
}
