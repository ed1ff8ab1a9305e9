// The echo loop of connections with faults or a data log, which are stages between read and write.
import { dataFields, type Log } from "./log.ts";
import type { ReadScheduler } from "../net/read_scheduler.ts";
import type { Stream } from "../net/stream.ts";
import type { Traffic } from "../net/traffic.ts";

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
 * Sends back what `stream` receives, through some stages; otherwise as the hot path (echo.ts).
 *
 * @throws what `stream` throws when its peer resets it or it is closed meanwhile
 */
export async function stagedEcho(
  stream: Stream,
  traffic: Traffic,
  scheduler: ReadScheduler,
  stages: readonly Stage[],
): Promise<void> {
  scheduler.readers++;
  try {
    for await (const { bytes } of through(stages, chunksOf(stream, traffic, scheduler))) {
      for (let written = 0; written < bytes.length;) {
        const more = await stream.write(bytes.subarray(written));
        written += more;
        traffic.sent += more;
      }
    }
  } finally {
    scheduler.readers--;
  }
}

/** Logs the first bytes of each read. */
export function dataLog(log: Log, form: "text" | "hex", connection: number): Stage {
  return async function* (chunks) {
    for await (const chunk of chunks) {
      log.info?.("read", { connection, ...dataFields(chunk.bytes, form, chunk.offset) });
      yield chunk;
    }
  };
}

export function through(stages: readonly Stage[], chunks: Chunks): Chunks {
  return stages.reduce((passing, stage) => stage(passing), chunks);
}

async function* chunksOf(stream: Stream, traffic: Traffic, scheduler: ReadScheduler): Chunks {
  const buffer = new Uint8Array(MAX_CHUNK);
  for (let offset = 0;;) {
    if (scheduler.isContended) await scheduler.next();
    const length = await stream.read(buffer);
    if (length === null) return;
    traffic.received += length;
    yield { bytes: buffer.subarray(0, length), offset, due: performance.now() };
    offset += length;
  }
}
