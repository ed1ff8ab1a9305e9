// What carries probes to a server and their answers back.
import { dial, type DialAttempt, type Dialled } from "../net/dial.ts";
import { dialUdp } from "../net/udp.ts";
import { addressOf, type Endpoint, type HostEndpoint } from "../net/endpoint.ts";
import { reason } from "../errors/reason.ts";
import type { Stream } from "../net/stream.ts";
import { tlsHint } from "./verify/difference.ts";
import { hasConnections } from "../net/transports.ts";

/** A connection, or a socket for datagrams. */
export interface ProbeConnection {
  /** The server's address, if it is known. */
  readonly address: string | undefined;
  /** How many bytes of an incomplete answer have come. */
  readonly partial: number;
  send(probe: Uint8Array): void;
  close(): void;
}

/** Called by a {@linkcode ProbeConnection}. */
export interface ProbeEvents {
  /** An answer has come; its bytes are valid until the call returns. */
  onAnswer(bytes: Uint8Array): void;
  /** It can be used no more. Not called after `close`. */
  onEnd(why: string): void;
}

/** An opened connection, and how long opening took; undefined for `udp://`. */
export interface OpenedProbes extends Partial<Omit<Dialled, "conn">> {
  readonly connection: ProbeConnection;
}

/**
 * Opens a connection for probes.
 *
 * @throws {EndpointError} if it cannot be opened
 * @throws the reason of the signal
 */
export async function openProbes(
  endpoint: Endpoint,
  options: DialAttempt & { readonly size: number },
  events: ProbeEvents,
): Promise<OpenedProbes> {
  if (!hasConnections(endpoint)) {
    return { connection: await datagramProbes(endpoint, options, events) };
  }
  const { conn, ...times } = await dial(endpoint, options);
  return { connection: streamProbes(conn, options.size, events), ...times };
}

/** Carries probes over a connection. Every `size` bytes that come are an answer. */
function streamProbes(conn: Stream, size: number, events: ProbeEvents): ProbeConnection {
  const answer = new Uint8Array(size);
  let filled = 0;
  let open = true;
  let written: Promise<void> | undefined;

  function close(): void {
    if (open) conn.close();
    open = false;
  }

  function end(why: string): void {
    if (!open) return;
    close();
    events.onEnd(why);
  }

  async function receive(): Promise<void> {
    for (;;) {
      const length = await conn.read(answer.subarray(filled));
      if (!open) return;
      if (length === null) {
        const part = filled === 0 ? "" : `, only ${filled} of ${size} bytes had come`;
        const hint = tlsHint(answer.subarray(0, filled));
        return end(`the server ended the connection${part}${hint}`);
      }
      filled += length;
      if (filled < size) continue;
      filled = 0;
      events.onAnswer(answer);
    }
  }

  async function write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) done += await conn.write(bytes.subarray(done));
  }

  return {
    address: addressOf(conn.remoteAddr),
    get partial() {
      return filled;
    },
    send(probe) {
      // Reading begins with the first probe: before, nothing could be an answer.
      if (written === undefined) receive().catch((error) => end(reason(error)));
      written = Promise.resolve(written).then(() => write(probe))
        .catch((error) => end(reason(error)));
    },
    close,
  };
}

/**
 * Carries probes in datagrams: each one that comes is an answer.
 *
 * @throws {EndpointError} for an unknown host
 */
async function datagramProbes(
  endpoint: HostEndpoint<"udp">,
  options: DialAttempt,
  events: ProbeEvents,
): Promise<ProbeConnection> {
  const link = await dialUdp(
    endpoint,
    (bytes) => events.onAnswer(bytes),
    (error) => events.onEnd(reason(error.cause)),
    options,
  );
  return {
    get address() {
      return link.address;
    },
    partial: 0,
    send: (probe) => void link.send(probe),
    close: () => link.close(),
  };
}
