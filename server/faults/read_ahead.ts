// What faults hold back: it has to be read before it can wait.
import { Change } from "../../async/change.ts";
import { type Chunk, MAX_CHUNK, type Stage } from "../stages.ts";

/** What a chunk costs besides its bytes: many small ones hold far more than they bring. */
const OVERHEAD = 256;

/** The most that a connection may hold, in bytes: 200 ms at 100 MB/s, and more. */
export const CONNECTION_HOLDS = 32 * 1024 * 1024;

/** The most that all of them together may hold, in bytes, but for one read of each. */
export const ALL_HOLD = 64 * 1024 * 1024;

/** How many bytes the connections of a thread hold. */
export class Held {
  #bytes = 0;
  readonly #released = new Change();

  /** Adds what a connection holds. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Takes away what it holds no more. */
  release(bytes: number): void {
    this.#bytes -= bytes;
    this.#released.announce();
  }

  /** Whether there is no room for another chunk. */
  get isFull(): boolean {
    return this.#bytes + MAX_CHUNK + OVERHEAD > ALL_HOLD;
  }

  /** Resolves when something is released. */
  get released(): Promise<void> {
    return this.#released.next;
  }
}

/** How much of what may be held a chunk is, in bytes. */
export function costOf({ bytes }: Chunk): number {
  return bytes.length + OVERHEAD;
}

/**
 * Reads on while chunks wait for their time, so that what is sent back to back is
 * late once and not one after the other; but not without end.
 *
 * @param over is aborted when reading fails, so that the stages stop to wait
 */
export function readAhead(held: Held, over: AbortController): Stage {
  return async function* (chunks) {
    const source = chunks[Symbol.asyncIterator]();
    let own = 0;
    const queue = new ReadableStream<Chunk>({
      async pull(queue) {
        try {
          while (held.isFull && own > 0) await held.released;
          const { done, value } = await source.next();
          if (done) return queue.close();
          const chunk = { ...value, bytes: value.bytes.slice() };
          own += costOf(chunk);
          held.add(costOf(chunk));
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
