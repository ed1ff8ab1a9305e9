/**
 * The buffers that connections read into.
 *
 * A connection starts with a small buffer, so that thousands of idle or
 * short-lived ones cost little. When a read fills it, it gets a large one, which
 * is worth half again the throughput of a bulk transfer, until a read brings no
 * more than a small one can hold.
 *
 * @module
 */

/** Size in bytes of the buffer that every connection starts with. */
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

/** More than this many unused small buffers (4 MiB) are left to the garbage collector. */
const MAX_SPARE = 1024;

/** Lends buffers and takes them back, so that a busy server allocates none. */
export class BufferPool {
  #small: Uint8Array<ArrayBuffer>[] = [];
  #large: Uint8Array<ArrayBuffer>[] = [];
  #largeLent = 0;

  /** Lends a buffer of {@linkcode SMALL} bytes. */
  small(): Uint8Array<ArrayBuffer> {
    return this.#small.pop() ?? new Uint8Array(SMALL);
  }

  /** Takes `buffer` and lends a large one for it, or `buffer` again when too many are lent. */
  grow(buffer: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    if (buffer.length === LARGE || this.#largeLent === MAX_LARGE) return buffer;
    this.giveBack(buffer);
    this.#largeLent++;
    return this.#large.pop() ?? new Uint8Array(LARGE);
  }

  /** Takes `buffer` back; its borrower must not use it afterwards. */
  giveBack(buffer: Uint8Array<ArrayBuffer>): void {
    if (buffer.length === LARGE) {
      this.#largeLent--;
      this.#large.push(buffer);
    } else if (this.#small.length < MAX_SPARE) {
      this.#small.push(buffer);
    }
  }
}
