/**
 * What was read and has not left yet.
 *
 * Delays must not add up for what is sent back to back, so the next chunk is
 * read while the one before it still waits; but not without end.
 *
 * @module
 */
import { Change } from "../async/change.ts";
import type { Chunk, Stage } from "./staged_echo.ts";

/** The most that a connection may hold, in bytes. */
export const CONNECTION_HOLDS = 256 * 1024;

/** What a chunk costs besides its bytes: many small ones would hold far more than they bring. */
const OVERHEAD = 256;

/** Chunks that wait, in the order in which they came; up to a number of bytes. */
export class ReadAhead {
  readonly #most: number;
  readonly #over: AbortSignal;
  readonly #waiting: Chunk[] = [];
  readonly #change = new Change();
  #held = 0;
  #ended = false;

  /** @param over ends the waiting, and throws away what waits */
  constructor(most: number, over: AbortSignal) {
    this.#most = most;
    this.#over = over;
    over.addEventListener("abort", () => this.#change.announce(), { once: true });
  }

  /** Keeps a copy of a chunk; false where that would be too much. */
  take(chunk: Chunk): boolean {
    const cost = chunk.bytes.length + OVERHEAD;
    if (this.#held + cost > this.#most) return false;
    this.#held += cost;
    this.#waiting.push({ ...chunk, bytes: chunk.bytes.slice() });
    this.#change.announce();
    return true;
  }

  /** Takes all chunks, each as soon as there is room for it. */
  async takeAll(chunks: AsyncIterable<Chunk>): Promise<void> {
    for await (const chunk of chunks) {
      while (!this.take(chunk)) {
        await this.#change.next;
        this.#over.throwIfAborted();
      }
    }
    this.#ended = true;
    this.#change.announce();
  }

  /** What waits, and what comes meanwhile. A chunk is held until the next one is asked for. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk> {
    for (;;) {
      this.#over.throwIfAborted();
      const [first] = this.#waiting;
      if (first !== undefined) {
        yield first;
        this.#waiting.shift();
        this.#held -= first.bytes.length + OVERHEAD;
        this.#change.announce();
      } else if (this.#ended) return;
      else await this.#change.next;
    }
  }
}

/**
 * Reads ahead of the stages after it.
 *
 * @param over is aborted when the connection is closed; aborted here when reading fails
 */
export function readAhead(over: AbortController): Stage {
  return (chunks) => {
    const ahead = new ReadAhead(CONNECTION_HOLDS, over.signal);
    ahead.takeAll(chunks).catch((error) => over.abort(error));
    return ahead;
  };
}
