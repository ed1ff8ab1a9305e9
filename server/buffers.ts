/**
 * The buffers that connections read into.
 *
 * A connection starts with a tiny one, so that thousands that are idle cost
 * little. When a read fills it, it gets a larger one: a small one, which most
 * messages fit into, and then a large one, which is worth half again the
 * throughput of a bulk transfer, until a read brings no more than a small one can
 * hold.
 *
 * @module
 */

/** Size in bytes of the buffer that every connection starts with. */
export const TINY = 1024;

/** Size in bytes of the buffer for connections whose reads fill a tiny one. */
export const SMALL = 4 * 1024;

/** Size in bytes of the buffer for connections whose reads fill a small one. */
export const LARGE = 256 * 1024;

/**
 * At most this many large buffers (32 MiB) are lent at once: with the buffers
 * of the kernel, this bounds what clients can make the server hold
 * (docs/architecture.md, "The byte path", rule 2). When none is left, a
 * connection goes on with its small one, only slower.
 */
export const MAX_LARGE = 128;

/** More unused buffers of a size than this (1 and 4 MiB) are left to the garbage collector. */
const MAX_SPARE = 1024;

type Buffer = Uint8Array<ArrayBuffer>;

/** Lends buffers and takes them back, so that a busy server allocates none. */
export class BufferPool {
  readonly #spare = new Map<number, Buffer[]>([[TINY, []], [SMALL, []], [LARGE, []]]);
  #largeLent = 0;

  /** Lends the buffer that a connection starts with. */
  tiny(): Buffer {
    return this.#lend(TINY);
  }

  /** Takes a large buffer and lends a small one for it. */
  shrink(buffer: Buffer): Buffer {
    this.giveBack(buffer);
    return this.#lend(SMALL);
  }

  /** Takes `buffer` and lends a larger one for it, or `buffer` again when too many are lent. */
  grow(buffer: Buffer): Buffer {
    const isTiny = buffer.length === TINY;
    if (!isTiny && (buffer.length === LARGE || this.#largeLent === MAX_LARGE)) return buffer;
    this.giveBack(buffer);
    if (isTiny) return this.#lend(SMALL);
    this.#largeLent++;
    return this.#lend(LARGE);
  }

  /** Takes `buffer` back; its borrower must not use it afterwards. */
  giveBack(buffer: Buffer): void {
    if (buffer.length === LARGE) this.#largeLent--;
    const spare = this.#spare.get(buffer.length);
    if (spare !== undefined && spare.length < MAX_SPARE) spare.push(buffer);
  }

  #lend(size: number): Buffer {
    return this.#spare.get(size)?.pop() ?? new Uint8Array(size);
  }
}
