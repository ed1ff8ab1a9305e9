// Sockets for datagrams.
import { pause } from "../async/pause.ts";
import { YodelError } from "../errors/yodel_error.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";

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
   * Sends a datagram. UDP does not report whether it arrives.
   *
   * @throws the error of the system
   */
  send(bytes: Uint8Array, to: Deno.NetAddr): Promise<unknown>;
  close(): void;
}

/** How long to wait after an error, in milliseconds. */
const ERROR_PAUSE = 1;

/** What the largest datagram fits into, in bytes. */
const BUFFER = 65_536;

/**
 * Checks that Deno has sockets for datagrams. They are unstable (denoland/deno#11022): without
 * `--unstable-net` there is no `Deno.listenDatagram`.
 *
 * @throws {YodelError} where it was not
 */
export function checkUdp(endpoint: Endpoint): void {
  if (endpoint.scheme !== "udp" || Deno.listenDatagram !== undefined) return;
  throw new YodelError(`${formatEndpoint(endpoint)} requires deno run --unstable-net`);
}

/**
 * Opens a socket. One datagram at a time is received, into one buffer, and
 * answered before the next: of all that was tried, two or eight receives under
 * way or answers that are not waited for, nothing is faster.
 *
 * @param hostname an IP address of this machine, or one that stands for all
 * @throws what is wrong with the address
 */
export function openUdp(hostname: string, port: number, onDatagram: OnDatagram): UdpSocket {
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port });
  let open = true;

  async function receive(): Promise<void> {
    const buffer = new Uint8Array(BUFFER);
    while (open) {
      try {
        const [bytes, from] = await socket.receive(buffer);
        if (open) await onDatagram(bytes, from as Deno.NetAddr);
      } catch {
        // It concerns one datagram, which may always get lost; or the socket was closed. The
        // pause keeps an error that does not go away from taking all the time there is.
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
