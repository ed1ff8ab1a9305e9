/**
 * What carries probes to a server and their answers back.
 *
 * @module
 */
import { dialUdp } from "../net/udp.ts";
import type { HostEndpoint } from "../net/endpoint.ts";
import { reason } from "../errors/reason.ts";
import type { Stream } from "../net/stream.ts";
import { tlsHint } from "./verify/difference.ts";

/** A way to a server. */
export interface ProbeConnection {
  /** How many bytes have come of an answer that is not complete. */
  readonly partial: number;
  send(probe: Uint8Array): void;
  close(): void;
}

/** What it tells whoever uses it. */
export interface ProbeEvents {
  /** An answer has come; its bytes are good until the call returns. */
  onAnswer(bytes: Uint8Array): void;
  /** It can be used no more, and why. Not called after it was closed. */
  onEnd(why: string): void;
}

/** Carries probes over a connection. Every `size` bytes that come are an answer. */
export function streamProbes(conn: Stream, size: number, events: ProbeEvents): ProbeConnection {
  const answer = new Uint8Array(size);
  let filled = 0;
  let open = true;
  let written = Promise.resolve();

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

  receive().catch((error) => end(reason(error)));
  return {
    get partial() {
      return filled;
    },
    send(probe) {
      written = written.then(() => write(probe)).catch((error) => end(reason(error)));
    },
    close,
  };
}

/**
 * Carries probes in datagrams: each one that comes is an answer.
 *
 * @throws {EndpointError} for an unknown host
 */
export async function datagramProbes(
  endpoint: HostEndpoint<"udp">,
  events: ProbeEvents,
): Promise<ProbeConnection> {
  const { send, close } = await dialUdp(
    endpoint,
    (bytes) => events.onAnswer(bytes),
    (error) => events.onEnd(reason(error.cause)),
  );
  return { partial: 0, send: (probe) => void send(probe), close };
}
