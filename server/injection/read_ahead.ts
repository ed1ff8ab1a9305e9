// Reads ahead for faults that delay chunks.
import { Change } from "../../async/pause.ts";
import { type Chunk, MAX_CHUNK, type Stage } from "../stages/echo_with_stages.ts";

/** The memory of a chunk besides its bytes. */
const OVERHEAD = 256;

/** The most bytes that a connection holds: more than 200 ms at 100 MB/s. */
const CONNECTION_HOLDS = 32 * 1024 * 1024;

/** The most bytes that all connections hold, besides one read of each. */
const ALL_HOLD = 64 * 1024 * 1024;

/** How many bytes the connections of a thread hold. */
export class Held {
  bytes = 0;
  readonly released = new Change();

  release(bytes: number): void {
    this.bytes -= bytes;
    this.released.announce();
  }
}

/** The memory of a chunk, in bytes. */
export function costOf({ bytes }: Chunk): number {
  return bytes.length + OVERHEAD;
}

/**
 * Reads on while chunks wait, within limits: chunks that are sent back to back are delayed at the
 * same time, not one after the other.
 *
 * @param over is aborted when reading fails, so that the stages stop waiting
 */
export function readAhead(held: Held, over: AbortController): Stage {
  return async function* (chunks) {
    const source = chunks[Symbol.asyncIterator]();
    let own = 0;
    const queue = new ReadableStream<Chunk>({
      async pull(queue) {
        try {
          while (held.bytes > ALL_HOLD - MAX_CHUNK && own > 0) await held.released.next;
          const { done, value } = await source.next();
          if (done) return queue.close();
          const chunk = { ...value, bytes: value.bytes.slice() };
          own += costOf(chunk);
          held.bytes += costOf(chunk);
          queue.enqueue(chunk);
        } catch (error) {
          over.abort(error);
          throw error;
        }
      },
    }, { highWaterMark: CONNECTION_HOLDS, size: costOf });
    try {
      for await (const chunk of queue) {
        yield chunk;
        own -= costOf(chunk);
        held.release(costOf(chunk));
      }
    } finally {
      held.release(own);
      own = 0;
    }
  };
}
