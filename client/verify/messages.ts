/** How many different messages there are; a power of two. */
const DIFFERENT = 256;

/** How far apart they begin in their common block of random bytes; a multiple of 4. */
const STEP = 252;

/**
 * How many steps one message is from the next, an odd number. At 1, each message would equal the
 * one before it, shifted by STEP bytes.
 */
const STRIDE = 89;

/** The limit of crypto.getRandomValues, in bytes. */
const MAX_RANDOM = 65_536;

/** A buffer for answers; comparing words takes a sixth of the time. */
export interface Received {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Int32Array;
}

export function receiveBuffer(length: number): Received {
  const bytes = new Uint8Array(Math.ceil(length / 4) * 4);
  return { bytes, words: new Int32Array(bytes.buffer) };
}

/**
 * Random messages of one size. They repeat after 256; within these they differ in their first byte,
 * so that an answer shows which message it answers.
 */
export class Messages {
  readonly #messages: readonly Uint8Array<ArrayBuffer>[];
  readonly #words: Int32Array;

  /** @param size in bytes, at least 1 */
  constructor(readonly size: number) {
    const block = new Uint8Array(DIFFERENT * STEP + Math.ceil(size / 4) * 4);
    this.#words = new Int32Array(block.buffer);
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

  /**
   * Counts the bytes of an answer up to the first wrong one.
   *
   * @param from the offset in the message
   * @param at the offset in the buffer
   */
  countEqual(
    number: number,
    from: number,
    { bytes, words }: Received,
    at: number,
    length: number,
  ): number {
    const message = this.at(number);
    let equal = 0;
    if (((from | at) & 3) === 0) {
      const [own, its] = [(message.byteOffset + from) >> 2, at >> 2];
      const whole = length >> 2;
      while (equal < whole && this.#words[own + equal] === words[its + equal]) equal++;
      equal *= 4;
    }
    while (equal < length && message[from + equal] === bytes[at + equal]) equal++;
    return equal;
  }
}
