/**
 * What was read and has not left yet.
 *
 * Delays must not add up for what is sent back to back, so the next chunk is
 * read while the one before it still waits; but not without end.
 *
 * @module
 */
import { type Chunk, MAX_CHUNK, type Stage } from "./staged_echo.ts";

/** What a chunk costs besides its bytes: many small ones would hold far more than they bring. */
const OVERHEAD = 256;

/** The most that a connection may hold, in bytes: what waits, and a chunk on either side of that. */
const CONNECTION_HOLDS = 256 * 1024 - 2 * (MAX_CHUNK + OVERHEAD);

/** How much of what a queue holds a chunk is, in bytes. */
export function costOf({ bytes }: Chunk): number {
  return bytes.length + OVERHEAD;
}

/**
 * Reads ahead of the stages after it.
 *
 * @param over is aborted when reading fails, so that they wait for nothing any more
 */
export function readAhead(over: AbortController): Stage {
  return (chunks) => {
    const source = chunks[Symbol.asyncIterator]();
    return new ReadableStream<Chunk>({
      async pull(queue) {
        try {
          const { done, value } = await source.next();
          if (done) queue.close();
          else queue.enqueue({ ...value, bytes: value.bytes.slice() });
        } catch (error) {
          over.abort(error);
          throw error;
        }
      },
    }, { highWaterMark: CONNECTION_HOLDS, size: costOf });
  };
}
