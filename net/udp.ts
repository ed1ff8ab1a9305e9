/**
 * UDP, on both sides.
 *
 * @module
 */
import { boundTo, type HostEndpoint } from "./endpoint.ts";
import { EndpointError } from "./endpoint_error.ts";
import { type OnDatagram, openUdp, type UdpSocket } from "./udp_socket.ts";
import { isLinkLocal, zones } from "./zone.ts";

/** The most that a datagram over UDP and IPv4 can hold, in bytes. */
export const MAX_DATAGRAM = 65_507;

/** How long what links the machine has is taken for true, in milliseconds. */
const LINKS_KEEP = 10_000;

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
export async function listenUdp(endpoint: HostEndpoint<"udp">): Promise<DatagramListener> {
  const { host, port } = endpoint;
  const socket = await openUdp(
    host,
    port,
    (bytes, source) => listener.onDatagram?.(bytes, source),
  );
  const { address } = socket;
  const listener: DatagramListener = {
    endpoint: boundTo(endpoint, address),
    // A socket with a zone sends where that is; one on all addresses does not know where.
    send: address.hostname === "::" ? onEveryLink(socket.send) : socket.send,
    close: () => socket.close(),
  };
  return listener;
}

/**
 * Sends on every link to an address that means something on one link only: which
 * one it is the runtime does not say. Only there somebody answers to the address.
 */
function onEveryLink(send: UdpSocket["send"]): UdpSocket["send"] {
  let known: string[] = [];
  let knownUntil = -Infinity;
  return async (bytes, to) => {
    if (!isLinkLocal(to.hostname)) return await send(bytes, to);
    const now = performance.now();
    if (now >= knownUntil) {
      known = zones();
      knownUntil = now + LINKS_KEEP;
    }
    if (known.length === 0) return await send(bytes, to);
    return await Promise.allSettled(
      known.map((zone) => send(bytes, { ...to, hostname: `${to.hostname}%${zone}` })),
    );
  };
}

/** A way to exchange datagrams with one endpoint. */
export interface DatagramLink {
  send(bytes: Uint8Array): Promise<void>;
  close(): void;
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
 * @throws {EndpointError} for an unknown host, and where no socket can be opened
 */
export async function dialUdp(
  endpoint: HostEndpoint<"udp">,
  onDatagram: (bytes: Uint8Array) => void,
  onFailure: (error: EndpointError) => void,
): Promise<DatagramLink> {
  let candidates: Candidate[] = [];

  function receive(bytes: Uint8Array, from: Deno.NetAddr): void {
    const winner = candidates.find(({ to }) => isSame(from, to));
    if (winner === undefined) return;
    if (candidates.length > 1) keepOnly(winner);
    onDatagram(bytes);
  }

  function keepOnly(winner: Candidate): void {
    candidates.forEach((each) => each !== winner && each.socket.close());
    candidates = [winner];
  }

  async function sendTo(candidate: Candidate, bytes: Uint8Array): Promise<void> {
    try {
      await candidate.socket.send(bytes, candidate.to);
    } catch (error) {
      if (!candidates.includes(candidate)) return;
      // There may be no way to one of the addresses, such as those of IPv6.
      if (candidates.length > 1) {
        candidate.socket.close();
        candidates = candidates.filter((each) => each !== candidate);
      } else onFailure(new EndpointError("cannot send to", endpoint, error));
    }
  }

  let failure: unknown;
  for (const address of await resolve(endpoint)) {
    // A machine without IPv6 has no such socket.
    const any = address.includes(":") ? "::" : "0.0.0.0";
    try {
      const socket = await openUdp(any, 0, receive);
      candidates.push({ to: { transport: "udp", hostname: address, port: endpoint.port }, socket });
    } catch (error) {
      failure = error;
    }
  }
  if (candidates.length === 0) throw new EndpointError("cannot connect to", endpoint, failure);
  return {
    send: async (bytes) => {
      const [only, ...more] = candidates;
      if (only === undefined) return;
      if (more.length === 0) return await sendTo(only, bytes);
      await Promise.all(candidates.map((candidate) => sendTo(candidate, bytes)));
    },
    close() {
      for (const { socket } of candidates) socket.close();
      candidates = [];
    },
  };
}

/** The addresses of an endpoint, at most one of each family. */
async function resolve(endpoint: HostEndpoint): Promise<string[]> {
  const { lookup } = await import("node:dns/promises");
  const all = await lookup(endpoint.host, { all: true }).catch((error) => {
    throw new EndpointError("cannot connect to", endpoint, error);
  });
  const first = [4, 6].flatMap((family) => all.find((each) => each.family === family) ?? []);
  // What a server on all addresses prints means this machine.
  return first.map(({ address }) => ({ "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address));
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
