import { dial } from "../net/dial.ts";
import type { DialAttempt } from "../net/dial_options.ts";
import { dialUdp } from "../net/udp.ts";
import { addressOf, type Endpoint, type EndpointError } from "../net/endpoint.ts";
import { reason } from "../errors/reason.ts";
import type { Stream } from "../net/stream.ts";
import { tlsHint } from "./verify/diagnosis.ts";
import { hasConnections } from "../net/transports.ts";

export interface ProbeConnection {
  readonly address: string | undefined;
  /** Over a stream, how many bytes of an incomplete answer have come. */
  readonly partial?: number;
  send(probe: Uint8Array): unknown;
  close(): void;
}

export interface ProbeEvents {
  /** The bytes are valid until the call returns. */
  onAnswer(bytes: Uint8Array): void;
  /** Not called after `close`. */
  onEnd(why: string): void;
}

/**
 * Opens a connection; returns how long that took, unless it is `udp://`.
 *
 * @throws {EndpointError} if it cannot be opened
 * @throws the reason of the signal
 */
export async function openProbes(
  endpoint: Endpoint,
  options: DialAttempt & { readonly size: number },
  events: ProbeEvents,
) {
  if (!hasConnections(endpoint)) {
    const onFailure = ({ cause }: EndpointError) => events.onEnd(reason(cause));
    return { connection: await dialUdp(endpoint, events.onAnswer, onFailure, options) };
  }
  const { conn, ...times } = await dial(endpoint, options);
  return { connection: streamProbes(conn, options.size, events), ...times };
}

/** Takes every `size` bytes as an answer. */
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
