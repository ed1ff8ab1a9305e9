// Random numbers from a seed.

/** How many numbers are discarded to mix the state. */
const WARM_UP = 12;

/** A stream of random numbers (sfc32, by Chris Doty-Humphrey, of PractRand). */
export class Random {
  readonly #state: Uint32Array;

  /** @param stream numbers one of the independent streams of a seed of 32 bits */
  constructor(seed: number, ...stream: readonly number[]) {
    const mixed = stream.reduce((hash, number) => mix(hash ^ mix(number + 1)), mix(seed));
    this.#state = Uint32Array.of(mixed, seed, ~mixed, 1);
    for (let i = 0; i < WARM_UP; i++) this.#bits();
  }

  /** A number from 0 up to, but not including, 1. */
  next(): number {
    return ((this.#bits() >>> 5) * 2 ** 26 + (this.#bits() >>> 6)) / 2 ** 53;
  }

  /** A number from `least` up to, but not including, `most`. */
  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1));
  }

  #bits(): number {
    const state = this.#state;
    const [a = 0, b = 0, c = 0, counter = 0] = state;
    const result = (a + b + counter) >>> 0;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + result;
    state[3] = counter + 1;
    return result;
  }
}

/** Makes each bit of the result depend on each bit of a number (the end of MurmurHash3). */
function mix(number: number): number {
  let hash = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
