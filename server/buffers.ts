/**
 * The buffers that connections read into.
 *
 * A connection starts with a tiny one, so that thousands of idle connections need little memory.
 * When a read fills it, it gets a small one, which most messages fit into, and then a large one,
 * with 1.5 times the throughput in bulk, until a read would fit into a small one.
 *
 * @module
 */

/** Sizes in bytes. */
export const TINY = 1024;
export const SMALL = 4 * 1024;
export const LARGE = 256 * 1024;

/**
 * At most this many large buffers (32 MiB) are lent at once: this bounds what clients can make the
 * server hold (docs/development.md, "The byte path", rule 2). Without one, a connection keeps its
 * small one.
 */
export const MAX_LARGE = 128;

/** How many unused buffers of a size are kept. */
const MAX_SPARE = 1024;

type Buffer = Uint8Array<ArrayBuffer>;

/** Reuses buffers. */
export class BufferPool {
  readonly #spare = new Map<number, Buffer[]>([[TINY, []], [SMALL, []], [LARGE, []]]);
  #largeLent = 0;

  tiny(): Buffer {
    return this.#lend(TINY);
  }

  /** Exchanges a large buffer for a small one. */
  shrink(buffer: Buffer): Buffer {
    this.giveBack(buffer);
    return this.#lend(SMALL);
  }

  /** Exchanges a buffer for a larger one, or returns it again when too many are lent. */
  grow(buffer: Buffer): Buffer {
    const isTiny = buffer.length === TINY;
    if (!isTiny && (buffer.length === LARGE || this.#largeLent === MAX_LARGE)) return buffer;
    this.giveBack(buffer);
    if (isTiny) return this.#lend(SMALL);
    this.#largeLent++;
    return this.#lend(LARGE);
  }

  /** Takes a buffer back; its borrower must not use it afterwards. */
  giveBack(buffer: Buffer): void {
    if (buffer.length === LARGE) this.#largeLent--;
    const spare = this.#spare.get(buffer.length);
    if (spare !== undefined && spare.length < MAX_SPARE) spare.push(buffer);
  }

  #lend(size: number): Buffer {
    return this.#spare.get(size)?.pop() ?? new Uint8Array(size);
  }
}
