/**
 * The other echo loop: for connections on which somebody watches or changes
 * what passes.
 *
 * @module
 */
import { dataFields, type Log } from "./log.ts";
import type { ReadTurns } from "../net/read_turns.ts";
import type { Stream } from "../net/stream.ts";
import type { Traffic } from "../net/traffic.ts";

/** What one read brought, or a part of that; of UDP, one datagram. */
export interface Chunk {
  /** They are good until the next chunk is asked for. */
  readonly bytes: Uint8Array;
  /** Where the first of them was in what the client sent; of a datagram, how many came before it. */
  readonly offset: number;
  /** When they may leave, by `performance.now()`: when they were read, and what faults add to that. */
  readonly due: number;
  /** Sends an answer to where a datagram came from. A stream's goes back to the stream. */
  readonly send?: (bytes: Uint8Array) => Promise<unknown>;
}

/** What passes. */
export type Chunks = AsyncIterable<Chunk>;

/** Watches or changes what passes; what it yields goes on to the next stage, or back. */
export type Stage = (chunks: Chunks) => Chunks;

/** How much is read at once, in bytes. */
export const MAX_CHUNK = 16 * 1024;

/**
 * Sends what `stream` brings back on it, through some stages; otherwise as the
 * hot path does (echo.ts).
 *
 * @throws what `stream` throws when its peer resets it or it is closed meanwhile
 */
export async function stagedEcho(
  stream: Stream,
  traffic: Traffic,
  turns: ReadTurns,
  stages: readonly Stage[],
): Promise<void> {
  turns.readers++;
  try {
    for await (const { bytes } of through(stages, chunksOf(stream, traffic, turns))) {
      for (let written = 0; written < bytes.length;) {
        const more = await stream.write(bytes.subarray(written));
        written += more;
        traffic.sent += more;
      }
    }
  } finally {
    turns.readers--;
  }
}

/** Logs the beginning of what each read of a connection brings, before it is sent back. */
export function dataLog(log: Log, form: "text" | "hex", connection: number): Stage {
  return async function* (chunks) {
    for await (const chunk of chunks) {
      log.info?.("read", { connection, ...dataFields(chunk.bytes, form, chunk.offset) });
      yield chunk;
    }
  };
}

/** What leaves the last of some stages. */
export function through(stages: readonly Stage[], chunks: Chunks): Chunks {
  return stages.reduce((passing, stage) => stage(passing), chunks);
}

/** What a stream brings. */
async function* chunksOf(stream: Stream, traffic: Traffic, turns: ReadTurns): Chunks {
  const buffer = new Uint8Array(MAX_CHUNK);
  for (let offset = 0;;) {
    if (turns.crowded) await turns.next();
    const length = await stream.read(buffer);
    if (length === null) return;
    traffic.received += length;
    yield { bytes: buffer.subarray(0, length), offset, due: performance.now() };
    offset += length;
  }
}
