import type { ReadScheduler } from "../../net/read_scheduler.ts";
import type { Stream } from "../../net/stream.ts";
import type { Traffic } from "../../net/traffic.ts";

/** The bytes of one read, or a part of them; a datagram. */
export interface Chunk {
  /** Valid until the next chunk is requested. */
  readonly bytes: Uint8Array;
  /** Its offset in the input; of a datagram, the number of datagrams before it. */
  readonly offset: number;
  /** When it may leave, by `performance.now()`: when it was read, plus the delays of faults. */
  readonly due: number;
  /** Sends an answer to a datagram; undefined on a stream. */
  readonly send?: (bytes: Uint8Array) => Promise<unknown>;
}

export type Chunks = AsyncIterable<Chunk>;

/** Logs or changes chunks. The last stage yields what is sent back. */
export type Stage = (chunks: Chunks) => Chunks;

/** The most bytes of one read. */
export const MAX_CHUNK = 16 * 1024;

/**
 * Sends back what `stream` receives, through some stages; otherwise as `plainEcho`.
 *
 * @param unread is taken as the first read
 * @returns the last read, not sent back, if the faults of the server were changed; nothing at EOF
 * @throws what `stream` throws when its peer resets it or it is closed meanwhile
 */
export async function stagedEcho(
  stream: Stream,
  traffic: Traffic,
  scheduler: ReadScheduler,
  stages: readonly Stage[],
  unread?: Uint8Array,
): Promise<Uint8Array | undefined> {
  let rest: Uint8Array | undefined;

  async function* reads(): Chunks {
    const buffer = new Uint8Array(MAX_CHUNK);
    let offset = unread?.length ?? 0;
    if (unread !== undefined) yield { bytes: unread, offset: 0, due: performance.now() };
    for (;;) {
      if (scheduler.isContended) await scheduler.next();
      const length = await stream.read(buffer);
      if (length === null) return;
      traffic.received += length;
      const bytes = buffer.subarray(0, length);
      if (traffic.faultsChanged) return void (rest = bytes);
      yield { bytes, offset, due: performance.now() };
      offset += length;
    }
  }

  scheduler.readers++;
  try {
    for await (const { bytes } of through(stages, reads())) await sendAll(stream, traffic, bytes);
    return rest;
  } finally {
    scheduler.readers--;
  }
}

export async function sendAll(stream: Stream, traffic: Traffic, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const more = await stream.write(bytes.subarray(written));
    written += more;
    traffic.sent += more;
  }
}

export function through(stages: readonly Stage[], chunks: Chunks): Chunks {
  return stages.reduce((passing, stage) => stage(passing), chunks);
}
