import { pause } from "../async/pause.ts";
import { OptionError, YodelError } from "../errors/yodel_error.ts";
import { addressesOf, inTime, untilAnswered } from "./attempt.ts";
import {
  addressOf,
  boundTo,
  type Endpoint,
  EndpointError,
  formatEndpoint,
  type HostEndpoint,
} from "./endpoint.ts";
import type { DialAttempt } from "./dial_options.ts";

/** The most that a datagram over IPv4 can hold, in bytes. */
export const MAX_DATAGRAM = 65_507;

/** In bytes; any datagram fits into it. */
const BUFFER = 65_536;

/** The pause after a receive error, in milliseconds. */
const ERROR_PAUSE = 1;

/** From one probe to the next while waiting for a server, in milliseconds. */
const PROBE_INTERVAL = 200;

export interface DatagramListener {
  /** Where it listens, with the bound address and port. */
  readonly endpoint: HostEndpoint<"udp">;
  /**
   * Handles a datagram; its bytes are valid, and no other is received, until this has ended. Errors
   * in it are ignored. Set before the first datagram is expected.
   */
  onDatagram?(bytes: Uint8Array, from: Deno.NetAddr): Promise<unknown> | void;
  send(bytes: Uint8Array, to: Deno.NetAddr): Promise<unknown>;
  close(): void;
}

export interface DatagramLink {
  /** The address of the server; undefined while there are several. */
  readonly address: string | undefined;
  send(bytes: Uint8Array): Promise<void>;
  close(): void;
}

/**
 * @throws {YodelError} for `udp://` without Deno's datagrams, which are unstable (denoland/deno#11022)
 * @throws {OptionError} for what is not possible over datagrams
 */
export function checkUdp(
  endpoint: Endpoint,
  { reconnect = false, size = 0 }: { readonly reconnect?: boolean; readonly size?: number } = {},
): void {
  if (endpoint.scheme !== "udp") return;
  if (Deno.listenDatagram === undefined) {
    throw new YodelError(`${formatEndpoint(endpoint)} requires deno run --unstable-net`);
  }
  if (reconnect) throw new OptionError("reconnect", "udp:// has no connections");
  if (size <= MAX_DATAGRAM) return;
  throw new OptionError("size", `a datagram holds at most ${MAX_DATAGRAM} bytes, not ${size}`);
}

/** Several receives at once, and answers that are not awaited, were measured: no faster. */
export function listenUdp(endpoint: HostEndpoint<"udp">): DatagramListener {
  const { host: hostname, port } = endpoint;
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port });
  let open = true;
  const listener: DatagramListener = {
    endpoint: boundTo(endpoint, socket.addr as Deno.NetAddr),
    send: (bytes, to) => socket.send(bytes, to),
    close() {
      open = false;
      socket.close();
    },
  };

  async function receive(): Promise<void> {
    const buffer = new Uint8Array(BUFFER);
    while (open) {
      try {
        const [bytes, from] = await socket.receive(buffer);
        if (open) await listener.onDatagram?.(bytes, from as Deno.NetAddr);
      } catch {
        // It concerns one datagram, or the socket was closed. The pause keeps a lasting error from
        // using all CPU time.
        if (open) await pause(ERROR_PAUSE);
      }
    }
  }

  receive();
  return listener;
}

interface Candidate {
  readonly to: Deno.NetAddr;
  readonly socket: DatagramListener;
}

/**
 * Opens a link to one endpoint. Where its name has several addresses, datagrams go to all of them
 * until the first answer, then to the address that it came from: UDP does not report that nothing
 * listens. The sockets are not connected, since Deno has no such UDP (denoland/deno#10519).
 *
 * @param onDatagram handles each datagram from the endpoint; its bytes are valid until it returns
 * @param onFailure is called with why a datagram could not be sent
 * @throws {EndpointError} for an unknown host, without a socket, or without an answer in `wait`
 * @throws the reason of the signal
 */
export async function dialUdp(
  endpoint: HostEndpoint<"udp">,
  onDatagram: (bytes: Uint8Array) => void,
  onFailure: (error: EndpointError) => void,
  options: Partial<DialAttempt> = {},
): Promise<DatagramLink> {
  const { family, wait = 0, timeout = 0, signal } = options;
  if (wait > 0) await waitForDatagram(endpoint, options);
  let candidates: Candidate[] = [];

  function receive(bytes: Uint8Array, from: Deno.NetAddr): void {
    const winner = candidates.find(({ to: { hostname, port } }) =>
      from.port === port &&
      (from.hostname === hostname || canonical(from.hostname) === canonical(hostname))
    );
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
      // One of the addresses may have no route, as those of IPv6 often do.
      if (candidates.length > 1) keep((each) => each !== candidate);
      else onFailure(new EndpointError("cannot send to", endpoint, error));
    }
  }

  const lookUp = (either: AbortSignal) => addressesOf(endpoint.host, family, either);
  let failure: unknown;
  for (const hostname of await inTime(endpoint, timeout, signal, lookUp)) {
    const host = hostname.includes(":") ? "::" : "0.0.0.0";
    try {
      const socket = listenUdp({ scheme: "udp", host, port: 0 });
      socket.onDatagram = receive;
      candidates.push({ to: { transport: "udp", hostname, port: endpoint.port }, socket });
    } catch (error) {
      // A machine without IPv6 has no such socket.
      failure = error;
    }
  }
  if (candidates.length === 0) throw new EndpointError("cannot connect to", endpoint, failure);
  return {
    get address() {
      const [only, another] = candidates;
      return only && another === undefined ? addressOf(only.to) : undefined;
    },
    async send(bytes) {
      await Promise.all(candidates.map((candidate) => sendTo(candidate, bytes)));
    },
    close: () => keep(() => false),
  };
}

/** Sends probes, from a socket of its own, until one comes back. */
async function waitForDatagram(
  endpoint: HostEndpoint<"udp">,
  options: Partial<DialAttempt>,
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
        await pause(PROBE_INTERVAL, AbortSignal.any([answered.signal, signal]));
        if (!answered.signal.aborted && !signal.aborted) options.onRetry?.("nothing came back");
      }
    } finally {
      link.close();
    }
  });
}

/** `::1`, not `0:0:0:0:0:0:0:1`; without a zone, which Deno 2.9 drops (denoland/deno#24694). */
function canonical(address: string): string {
  return address.includes(":")
    ? new URL(`http://[${address.replace(/%.*/, "")}]`).hostname
    : address;
}
