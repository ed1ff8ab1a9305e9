// Remembers which datagrams came a moment ago, in a memory of fixed size.
import { mix } from "./random.ts";

/** How soon, in milliseconds, a datagram has to follow an equal one to count with it. */
const SOON = 250;

/** So many equal datagrams may be on purpose: some clients send each twice or thrice. */
const COPIES = 3;

/** How many datagrams are remembered; a power of two. */
const PLACES = 65_536;

/** How long datagrams keep their places, in milliseconds. */
const SHUFFLE = 5000;

/** Datagrams of up to so many bytes are compared whole. */
const COMPARED_WHOLE = 2048;

/** Of larger ones so many bytes at the beginning … */
const HEAD = 1024;

/** … and so many words of the rest, evenly spread. */
const SAMPLES = 256;

/**
 * The datagrams that came last, from all sources together. Each has one place,
 * and drives out what was there. So of many that go round in a circle only
 * those that share a place are missed, be it more of them than there are places,
 * where a list of the latest would miss every one.
 */
export class RecentDatagrams {
  readonly #fingerprints = new Uint32Array(PLACES);
  /** When it came, in whole milliseconds. */
  readonly #times = new Uint32Array(PLACES);
  readonly #counts = new Uint8Array(PLACES);
  // Two that share a place would never be seen to repeat themselves. Nobody shall
  // be able to choose such a pair, and if there is one, it is parted soon.
  #seed = randomSeed();
  #shuffleAt = -Infinity;

  /**
   * Takes note of a datagram.
   *
   * @returns whether it is one of more than three equal ones, each soon after the last
   */
  repeats(bytes: Uint8Array, address: string, port: number, now: number): boolean {
    if (now >= this.#shuffleAt) {
      this.#seed = randomSeed();
      this.#shuffleAt = now + SHUFFLE;
    }
    const fingerprint = fingerprintOf(bytes, sourceHash(address, port, this.#seed));
    const place = fingerprint % PLACES;
    const time = now >>> 0;
    const equal = this.#fingerprints[place] === fingerprint;
    const soon = (time - (this.#times[place] ?? 0)) >>> 0 < SOON;
    const count = equal && soon ? (this.#counts[place] ?? 0) : 0;
    this.#fingerprints[place] = fingerprint;
    this.#times[place] = time;
    if (count === COPIES) return true;
    this.#counts[place] = count + 1;
    return false;
  }
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

function sourceHash(address: string, port: number, seed: number): number {
  let hash = add(seed, port);
  for (let i = 0; i < address.length; i++) hash = add(hash, address.charCodeAt(i));
  return hash;
}

/**
 * Tells different datagrams apart, but for one pair in four billion, and those of
 * over 2 KiB that differ only where it does not look: all bytes of 64 KiB would
 * take longer than to answer them.
 */
function fingerprintOf(bytes: Uint8Array, seed: number): number {
  const { length } = bytes;
  let hash = add(seed, length);
  if (length < 4) {
    for (const byte of bytes) hash = add(hash, byte);
  } else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    const last = length - 4;
    const head = length <= COMPARED_WHOLE ? length : HEAD;
    let at = 0;
    for (; at <= head - 4; at += 4) hash = add(hash, view.getUint32(at));
    const step = Math.ceil((length - head) / SAMPLES);
    for (; at < last; at += step) hash = add(hash, view.getUint32(at));
    hash = add(hash, view.getUint32(last));
  }
  return mix(hash);
}

function add(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
