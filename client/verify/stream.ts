// Checks that what returns is what was sent.
import { describeChange, describeUnexpected } from "./difference.ts";

/** How many chunks that have returned are kept, until they are forgotten all at once. */
const FORGET_AT_ONCE = 64;

/**
 * Compares the bytes of a stream that come back with those that were sent. It holds only what is
 * under way.
 */
export class StreamVerifier {
  /** Chunks that were sent; those before the first one under way have returned. */
  #chunks: Uint8Array[] = [];
  #first = 0;
  /** How much of the first chunk under way has returned. */
  #position = 0;
  /** How many bytes were sent and have not returned. */
  missing = 0;
  #returned = 0;

  /** Registers bytes that are about to be sent. They must not change afterwards. */
  send(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.missing += bytes.length;
  }

  /**
   * Compares bytes that returned with what was sent.
   *
   * @returns the first difference in words, with its offset from the first
   *   byte of the stream, or undefined where there is none
   */
  receive(bytes: Uint8Array): string | undefined {
    let compared = 0;
    while (compared < bytes.length) {
      const expected = this.#chunks[this.#first];
      if (expected === undefined) return describeUnexpected(this.#returned);
      const length = Math.min(bytes.length - compared, expected.length - this.#position);
      for (let i = 0; i < length; i++) {
        const was = expected[this.#position + i];
        const is = bytes[compared + i];
        if (was !== is) return `the echo ${describeChange(this.#returned + i, was, is)}`;
      }
      compared += length;
      this.#returned += length;
      this.missing -= length;
      this.#position += length;
      if (this.#position === expected.length) this.#forgetFirst();
    }
    return undefined;
  }

  #forgetFirst(): void {
    this.#position = 0;
    this.#first++;
    // Not one by one: each time, all that follow have to move up.
    if (this.#first < FORGET_AT_ONCE) return;
    this.#chunks.splice(0, this.#first);
    this.#first = 0;
  }
}
