/**
 * The echo loop of connections with faults or a data log: between read and write
 * bytes pass some stages.
 *
 * @module
 */
import { dataFields, type Log } from "./log.ts";
import type { ReadScheduler } from "../net/read_scheduler.ts";
import type { Stream } from "../net/stream.ts";
import type { Traffic } from "../net/traffic.ts";

/** What one read returned, or a part of it; a datagram. */
export interface Chunk {
  /** Valid until the next chunk is requested. */
  readonly bytes: Uint8Array;
  /** Where it begins in what the client sent; of a datagram, how many came before it. */
  readonly offset: number;
  /** When it may leave, by `performance.now()`: when it was read, and what faults add to that. */
  readonly due: number;
  /** Sends an answer to the source of a datagram; undefined on a stream. */
  readonly send?: (bytes: Uint8Array) => Promise<unknown>;
}

export type Chunks = AsyncIterable<Chunk>;

/** Logs or changes chunks; what it yields goes to the next stage, and from the last one back. */
export type Stage = (chunks: Chunks) => Chunks;

/** How many bytes are read at once. */
export const MAX_CHUNK = 16 * 1024;

/**
 * Sends back what `stream` receives, through some stages; apart from them it does
 * what the hot path does (echo.ts).
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

/** Logs the first bytes of each read of a connection, before they are sent back. */
export function dataLog(log: Log, form: "text" | "hex", connection: number): Stage {
  return async function* (chunks) {
    for await (const chunk of chunks) {
      log.info?.("read", { connection, ...dataFields(chunk.bytes, form, chunk.offset) });
      yield chunk;
    }
  };
}

/** Connects some stages. */
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
