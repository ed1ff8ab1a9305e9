// The transports: the only place that knows what a scheme means.
import type { Endpoint, HostEndpoint, StreamEndpoint, UnixEndpoint } from "./endpoint.ts";
import type { Listener, ListenOptions, Stream } from "./stream.ts";
import type { DialOptions } from "./dial_options.ts";
import { loadNode } from "./node.ts";
import { dialTcp, listenTcp } from "./tcp.ts";
import { dialTls, listenTls } from "./tls.ts";
import { type DatagramListener, listenUdp } from "./udp.ts";
import { dialUnix, listenUnix } from "./unix.ts";

export interface Transport<E extends Endpoint = Endpoint> {
  /** Whether it has connections, not datagrams. */
  readonly hasConnections: boolean;
  /** The start of its endpoints: with `://`, a host and a port follow, as in tcp://HOST:PORT. */
  readonly prefix: string;
  /** How its endpoints are written, and what it is, for the help. */
  readonly help: readonly [form: string, what: string];
  /** Whether its addresses are IP addresses with ports. */
  readonly usesIp: boolean;
  readonly hasTls: boolean;
  /** Whether several threads can listen on one port; Deno shares ports of TCP only. */
  readonly canBeShared: boolean;
  /** Whether a connection can be closed with RST. */
  readonly canBeReset: boolean;
  /** @throws why it cannot listen there */
  listen(
    endpoint: E,
    options: ListenOptions,
  ): Promise<Listener | DatagramListener> | DatagramListener;
}

export interface StreamTransport<E extends Endpoint> extends Transport<E> {
  /** Loads what `dial` needs: the time that it takes is none of connecting. */
  load?(): Promise<void>;
  /**
   * @param onConnect is called before a TLS handshake
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
  prefix: "tcp://",
  help: ["tcp://HOST:PORT", "TCP; tcp:// can be left out, and HOST for localhost"],
  hasConnections: true,
  usesIp: true,
  hasTls: false,
  canBeShared: true,
  canBeReset: true,
  listen: listenTcp,
  dial: dialTcp,
};

const tls: StreamTransport<HostEndpoint<"tls">> = {
  ...tcp,
  prefix: "tls://",
  help: ["tls://HOST:PORT", "TLS over TCP"],
  hasTls: true,
  load: loadNode,
  listen: listenTls,
  dial: dialTls,
};

const udp: Transport<HostEndpoint<"udp">> = {
  prefix: "udp://",
  help: ["udp://HOST:PORT", "UDP: each message is a datagram"],
  hasConnections: false,
  usesIp: true,
  hasTls: false,
  canBeShared: false,
  canBeReset: false,
  listen: listenUdp,
};

const unix: StreamTransport<UnixEndpoint> = {
  prefix: "unix:",
  help: ["unix:PATH", "a Unix socket: the path of its file"],
  hasConnections: true,
  usesIp: false,
  hasTls: false,
  canBeShared: false,
  canBeReset: false,
  listen: listenUnix,
  dial: dialUnix,
};

export const TRANSPORTS = { tcp, tls, udp, unix } as const;

export type Scheme = keyof typeof TRANSPORTS;

export const SCHEMES = Object.keys(TRANSPORTS) as readonly Scheme[];

export const STREAMS: readonly Scheme[] = SCHEMES.filter((one) => TRANSPORTS[one].hasConnections);
export const IP_SCHEMES: readonly Scheme[] = SCHEMES.filter((one) => TRANSPORTS[one].usesIp);
export const RESETTABLE: readonly Scheme[] = SCHEMES.filter((one) => TRANSPORTS[one].canBeReset);

export function hasConnections(endpoint: Endpoint): endpoint is StreamEndpoint {
  return TRANSPORTS[endpoint.scheme].hasConnections;
}
