// What ping and load send.

/** How many different messages there are; a power of two. */
const DIFFERENT = 256;

/** How far apart they begin in one block of random bytes, which they share. */
const STEP = 251;

/**
 * How many places in the block the next message is from the last, an odd number:
 * side by side, a message would go on like the one before it does after STEP bytes.
 */
const STRIDE = 89;

/** The most that crypto gives at once, in bytes. */
const MAX_RANDOM = 65_536;

/**
 * Messages of one size that differ from each other, so that an answer tells
 * which message it answers. They repeat after 256. Those next to each other
 * differ in their first byte already, random bytes follow.
 */
export class Messages {
  readonly #messages: readonly Uint8Array<ArrayBuffer>[];

  /** @param size of each message, in bytes; at least 1 */
  constructor(readonly size: number) {
    const block = new Uint8Array(DIFFERENT * STEP + size);
    for (let at = 0; at < block.length; at += MAX_RANDOM) {
      crypto.getRandomValues(block.subarray(at, at + MAX_RANDOM));
    }
    for (let i = 0; i < DIFFERENT; i++) block[i * STEP] = i;
    this.#messages = Array.from({ length: DIFFERENT }, (_, number) => {
      const start = number * STRIDE % DIFFERENT * STEP;
      return block.subarray(start, start + size);
    });
  }

  /** The message of a number, from 0 to 2^31 - 1. It must not be changed. */
  at(number: number): Uint8Array<ArrayBuffer> {
    const message = this.#messages[number & (DIFFERENT - 1)];
    if (message === undefined) throw new RangeError(`there is no message ${number}`);
    return message;
  }
}
