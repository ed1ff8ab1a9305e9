// UDP, on both sides.
import { pause } from "../async/pause.ts";
import { inTime, untilAnswered } from "./attempt.ts";
import { boundTo, EndpointError, formatHostPort, type HostEndpoint } from "./endpoint.ts";
import { addressesOf } from "./resolve.ts";
import type { DialOptions } from "./stream.ts";
import { type OnDatagram, openUdp, type UdpSocket } from "./udp_socket.ts";

/** The most that a datagram over UDP and IPv4 can hold, in bytes. */
export const MAX_DATAGRAM = 65_507;

/** From one try to reach a server to the next, in milliseconds. */
const AGAIN = 200;

/** A socket that receives datagrams at an address. */
export interface DatagramListener {
  /** Where it listens, with the port that it has in fact. */
  readonly endpoint: HostEndpoint<"udp">;
  /**
   * Gets every datagram with where it came from. What it fails with concerns
   * that datagram alone. Set once, before the first one is expected.
   */
  onDatagram?: OnDatagram;
  /** Sends a datagram from this address. Whether it arrives nobody knows. */
  send(bytes: Uint8Array, to: Deno.NetAddr): Promise<unknown>;
  close(): void;
}

/**
 * Receives datagrams at an address.
 *
 * @throws what is wrong with the address
 */
export function listenUdp(endpoint: HostEndpoint<"udp">): DatagramListener {
  const { host, port } = endpoint;
  const { address, send, close } = openUdp(
    host,
    port,
    (bytes, source) => listener.onDatagram?.(bytes, source),
  );
  const listener: DatagramListener = { endpoint: boundTo(endpoint, address), send, close };
  return listener;
}

/** A way to exchange datagrams with one endpoint. */
export interface DatagramLink {
  /** Where they go, with an address; undefined while there are several. */
  readonly address: string | undefined;
  send(bytes: Uint8Array): Promise<void>;
  close(): void;
}

/** Settings of {@linkcode dialUdp}; it waits until the server answers. */
interface DialUdpOptions extends DialOptions {
  /** How long the look-up of its name may take, in milliseconds; 0 or Infinity: for ever. Default: 0. */
  readonly timeout?: number;
  /** Ends the waiting, and the look-up. */
  readonly signal?: AbortSignal;
}

/** An address of an endpoint, and the socket for it. */
interface Candidate {
  readonly to: Deno.NetAddr;
  readonly socket: UdpSocket;
}

/**
 * Makes a way to exchange datagrams with one endpoint. Where its name has
 * several addresses, datagrams go to all of them until the first answer comes;
 * from then on to where that came from. (TCP tries them in turn; but what
 * nobody takes over UDP, nobody tells of.)
 *
 * The sockets are not connected: what Deno 2.9 calls that does neither keep out
 * the datagrams of others nor tell of a port at which nobody listens (ICMP).
 *
 * @param onDatagram gets every datagram that comes from the endpoint; its bytes
 *   are good until it returns
 * @param onFailure is told why a datagram could not be sent
 * @throws {EndpointError} for an unknown host, where no socket can be opened, and
 *   where the server does not answer in the time to wait for it
 * @throws the reason of the signal
 */
export async function dialUdp(
  endpoint: HostEndpoint<"udp">,
  onDatagram: (bytes: Uint8Array) => void,
  onFailure: (error: EndpointError) => void,
  options: DialUdpOptions = {},
): Promise<DatagramLink> {
  const { family, wait = 0, timeout = 0, signal } = options;
  if (wait > 0) await waitForDatagram(endpoint, { ...options, wait });
  let candidates: Candidate[] = [];

  function receive(bytes: Uint8Array, from: Deno.NetAddr): void {
    const winner = candidates.find(({ to }) => isSame(from, to));
    if (winner === undefined) return;
    if (candidates.length > 1) keep((each) => each === winner);
    onDatagram(bytes);
  }

  function keep(isKept: (candidate: Candidate) => boolean): void {
    for (const each of candidates) if (!isKept(each)) each.socket.close();
    candidates = candidates.filter(isKept);
  }

  async function sendTo(candidate: Candidate, bytes: Uint8Array): Promise<void> {
    try {
      await candidate.socket.send(bytes, candidate.to);
    } catch (error) {
      if (!candidates.includes(candidate)) return;
      // There may be no way to one of the addresses, such as those of IPv6.
      if (candidates.length > 1) keep((each) => each !== candidate);
      else onFailure(new EndpointError("cannot send to", endpoint, error));
    }
  }

  let failure: unknown;
  const addresses = await inTime(
    endpoint,
    timeout,
    signal,
    (given) => addressesOf(endpoint.host, family, given),
  );
  for (const address of addresses) {
    // A machine without IPv6 has no such socket.
    const any = address.includes(":") ? "::" : "0.0.0.0";
    try {
      const socket = openUdp(any, 0, receive);
      candidates.push({ to: { transport: "udp", hostname: address, port: endpoint.port }, socket });
    } catch (error) {
      failure = error;
    }
  }
  if (candidates.length === 0) throw new EndpointError("cannot connect to", endpoint, failure);
  return {
    get address() {
      const [only, ...more] = candidates;
      if (only === undefined || more.length > 0) return undefined;
      return formatHostPort(only.to.hostname, endpoint.port);
    },
    async send(bytes) {
      await Promise.all(candidates.map((candidate) => sendTo(candidate, bytes)));
    },
    close: () => keep(() => false),
  };
}

/** Sends a datagram again and again, from a socket of its own, until one comes back. */
async function waitForDatagram(
  endpoint: HostEndpoint<"udp">,
  options: DialUdpOptions & { readonly wait: number },
): Promise<void> {
  await untilAnswered(endpoint, options, async (signal, onSent) => {
    const answered = new AbortController();
    const probe = crypto.getRandomValues(new Uint8Array(16));
    const once = { ...options, wait: 0, signal };
    const link = await dialUdp(endpoint, () => answered.abort(), () => {}, once);
    try {
      while (!answered.signal.aborted) {
        signal.throwIfAborted();
        await link.send(probe);
        onSent();
        await pause(AGAIN, AbortSignal.any([answered.signal, signal]));
        if (!answered.signal.aborted && !signal.aborted) options.onRetry?.("nothing came back");
      }
    } finally {
      link.close();
    }
  }, () => false);
}

function isSame(a: Deno.NetAddr, b: Deno.NetAddr): boolean {
  return a.port === b.port &&
    (a.hostname === b.hostname || plain(a.hostname) === plain(b.hostname));
}

/**
 * The one way to write an address that has several: `::1`, not `0:0:0:0:0:0:0:1`.
 * Its zone is left out: a source comes without it (Deno 2.9).
 */
function plain(address: string): string {
  if (!address.includes(":")) return address;
  return new URL(`http://[${address.replace(/%.*/, "")}]`).hostname;
}
