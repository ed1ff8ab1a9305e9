/**
 * Sockets for datagrams. They are those of `node:dgram`: Deno's own need a flag
 * that is not stable, and that a program run from a URL does not have.
 *
 * @module
 */
import type { HostEndpoint } from "./endpoint.ts";
import { EndpointError } from "./endpoint_error.ts";

/** The most that a datagram over UDP and IPv4 can hold, in bytes. */
export const MAX_DATAGRAM = 65_507;

/** Where a datagram came from. */
export interface Source {
  readonly address: string;
  readonly port: number;
}

/** A socket that receives datagrams at an address. */
export interface DatagramListener {
  /** Where it listens, with the port that it has in fact. */
  readonly endpoint: HostEndpoint<"udp">;
  /** Gets every datagram with where it came from. Set once, before the first one is expected. */
  onDatagram?: (bytes: Uint8Array, source: Source) => void;
  /** Sends a datagram from this address. Whether it arrives nobody knows. */
  send(bytes: Uint8Array, to: Source): void;
  close(): void;
}

/**
 * Receives datagrams at an address.
 *
 * @throws what is wrong with the address
 */
export async function listenUdp(endpoint: HostEndpoint<"udp">): Promise<DatagramListener> {
  const { createSocket } = await import("node:dgram");
  const socket = createSocket(endpoint.host.includes(":") ? "udp6" : "udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ port: endpoint.port, address: endpoint.host }, () => {
        socket.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  // What goes wrong later concerns one datagram, which may always get lost.
  socket.on("error", () => {});
  const { address, port } = socket.address();
  const listener: DatagramListener = {
    endpoint: { ...endpoint, host: address, port },
    send: (bytes, to) => socket.send(bytes, to.port, to.address, () => {}),
    close: () => void socket.close(),
  };
  socket.on("message", (bytes, source) => listener.onDatagram?.(bytes, source));
  return listener;
}

/** A socket that exchanges datagrams with one endpoint. */
export interface DatagramLink {
  send(bytes: Uint8Array): Promise<void>;
  close(): void;
}

/**
 * Makes a socket for datagrams to and from one endpoint.
 *
 * It is not connected: what Deno 2.9 calls that does neither keep out the
 * datagrams of others nor tell of a port at which nobody listens (ICMP).
 *
 * @param onDatagram gets every datagram that comes from the endpoint
 * @param onFailure is told why a datagram could not be sent
 * @throws {EndpointError} for an unknown host
 */
export async function dialDatagrams(
  endpoint: HostEndpoint,
  onDatagram: (bytes: Uint8Array) => void,
  onFailure: (error: EndpointError) => void,
): Promise<DatagramLink> {
  const { createSocket } = await import("node:dgram");
  const { address: resolved, family } = await resolve(endpoint);
  // What a server on all addresses prints means this machine.
  const address = { "0.0.0.0": "127.0.0.1", "::": "::1" }[resolved] ?? resolved;
  const to = plain(address);
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  let open = true;
  const fail = (error: Error) => onFailure(new EndpointError("cannot send to", endpoint, error));
  socket.on("error", fail);
  socket.on("message", (bytes, source) => {
    if (!open || source.port !== endpoint.port || plain(source.address) !== to) return;
    onDatagram(bytes);
  });
  return {
    send: (bytes) =>
      new Promise<void>((resolve) =>
        socket.send(bytes, endpoint.port, address, (error) => {
          if (error !== null) fail(error);
          resolve();
        })
      ),
    close() {
      open = false;
      socket.close();
    },
  };
}

async function resolve(endpoint: HostEndpoint): Promise<{ address: string; family: number }> {
  const { lookup } = await import("node:dns/promises");
  try {
    return await lookup(endpoint.host);
  } catch (error) {
    throw new EndpointError("cannot connect to", endpoint, error);
  }
}

/** The one way to write an address that has several: `::1`, not `0:0:0:0:0:0:0:1`. */
function plain(address: string): string {
  if (!address.includes(":") || address.includes("%")) return address;
  return new URL(`http://[${address}]`).hostname;
}
