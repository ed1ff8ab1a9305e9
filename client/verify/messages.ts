// What ping and load send.

/** How many different messages there are; a power of two. */
const DIFFERENT = 256;

/** How far apart they begin in one block of random bytes, which they share; a multiple of 4. */
const STEP = 252;

/**
 * How many places in the block the next message is from the last, an odd number:
 * side by side, a message would go on like the one before it does after STEP bytes.
 */
const STRIDE = 89;

/** The most that crypto gives at once, in bytes. */
const MAX_RANDOM = 65_536;

/** A buffer that answers are read into. */
export interface Received {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Int32Array;
}

/** Makes a buffer that answers are read into. */
export function receiveBuffer(length: number): Received {
  const bytes = new Uint8Array(Math.ceil(length / 4) * 4);
  return { bytes, words: new Int32Array(bytes.buffer) };
}

/**
 * Messages of one size that differ from each other, so that an answer shows
 * which message it answers. They repeat after 256. Those next to each other
 * differ in their first byte already, random bytes follow.
 */
export class Messages {
  readonly #messages: readonly Uint8Array<ArrayBuffer>[];
  readonly #words: Int32Array;

  /** The size of each message is in bytes, at least 1. */
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
   * How many bytes of an answer are as they were sent, up to the first that is not.
   *
   * @param number that of the message
   * @param from where in it the answer goes on
   * @param answer what came, at the beginning of a buffer, and the same as words of
   *   four bytes: to compare these takes a sixth of the time
   * @param at where in what came the answer goes on
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
