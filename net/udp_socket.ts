/**
 * Sockets for datagrams: Deno's where the program was given leave to use them
 * (`--unstable-net`), several times as fast, and otherwise those of Node.
 *
 * @module
 */
import { pause } from "../async/pause.ts";

/**
 * Gets a datagram, whose bytes are good until what it returns is settled; the
 * next one may wait for that.
 */
export type OnDatagram = (bytes: Uint8Array, from: Deno.NetAddr) => Promise<unknown> | void;

/** A socket that is bound to an address. */
export interface UdpSocket {
  /** Where it receives. */
  readonly address: Deno.NetAddr;
  /**
   * Sends a datagram. Whether it arrives nobody knows.
   *
   * @throws what the system says against sending it
   */
  send(bytes: Uint8Array, to: Deno.NetAddr): Promise<unknown>;
  close(): void;
}

/** How long to wait after something went wrong, in milliseconds. */
const ERROR_PAUSE = 1;

/** What the largest datagram fits into, in bytes. */
const BUFFER = 65_536;

/**
 * Opens a socket.
 *
 * @param hostname an IP address of this machine, or one that stands for all
 * @throws what is wrong with the address
 */
export async function openUdp(
  hostname: string,
  port: number,
  onDatagram: OnDatagram,
): Promise<UdpSocket> {
  return Deno.listenDatagram === undefined
    ? await openNode(hostname, port, onDatagram)
    : openDeno(hostname, port, onDatagram);
}

/**
 * Opens a socket of Deno's. One datagram at a time is received, into one buffer,
 * and answered before the next: of all that was tried, two or eight receives
 * under way or answers that are not waited for, nothing is faster.
 */
function openDeno(hostname: string, port: number, onDatagram: OnDatagram): UdpSocket {
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port });
  let open = true;

  async function receive(): Promise<void> {
    const buffer = new Uint8Array(BUFFER);
    while (open) {
      try {
        const [bytes, from] = await socket.receive(buffer);
        if (open) await onDatagram(bytes, from as Deno.NetAddr);
      } catch {
        // It concerns one datagram, which may always get lost; or the socket was closed.
        // Should it not, a pause keeps it from taking all the time there is.
        if (open) await pause(ERROR_PAUSE);
      }
    }
  }

  receive();
  return {
    address: socket.addr as Deno.NetAddr,
    send: (bytes, to) => socket.send(bytes, to),
    close() {
      open = false;
      socket.close();
    },
  };
}

async function openNode(
  hostname: string,
  port: number,
  onDatagram: OnDatagram,
): Promise<UdpSocket> {
  const { createSocket } = await import("node:dgram");
  const { default: { once } } = await import("node:events");
  const socket = createSocket(hostname.includes(":") ? "udp6" : "udp4");
  try {
    socket.bind(port, hostname);
    await once(socket, "listening");
  } catch (error) {
    socket.close();
    throw error;
  }
  // What goes wrong later concerns one datagram, which may always get lost.
  socket.on("error", () => {});
  socket.on("message", (bytes, { address, port }) => {
    onDatagram(bytes, { transport: "udp", hostname: address, port })?.catch(() => {});
  });
  const here = socket.address();
  return {
    address: { transport: "udp", hostname: here.address, port: here.port },
    send: (bytes, to) =>
      new Promise<void>((resolve, reject) =>
        socket.send(bytes, to.port, to.hostname, (error) => error ? reject(error) : resolve())
      ),
    close: () => void socket.close(),
  };
}
