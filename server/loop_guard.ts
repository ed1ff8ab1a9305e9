/**
 * Keeps two services that answer datagrams from answering each other for ever.
 *
 * A datagram that pretends to come from one echo service and goes to another
 * would go back and forth between them without end (CVE-1999-0103,
 * CVE-2024-2169), and so would any number of different ones.
 *
 * @module
 */

/** Ports below this one belong to services, among them echo, not to clients. */
const FIRST_CLIENT_PORT = 1024;

/** A source is put to the test after so many datagrams that it had sent before. */
const MAX_REPEATS = 100;

/** How soon, in milliseconds, a datagram has to come again to count as a repeat. */
const SOON = 250;

/** How long a source that is put to the test gets no answer, in milliseconds. */
const SILENCE = 1000;

/** How long a source that has passed the test is left alone, in milliseconds. */
const TRUST = 60_000;

/** How many sources are remembered. */
const MAX_SOURCES = 1000;

/** How many of the last datagrams of all sources are remembered, at most; a power of two. */
const MEMORY = 16_384;

/** Of longer datagrams only so many bytes are looked at: hashing 64 KiB takes longer than sending them. */
const SAMPLE = 256;

/** What is known of where datagrams come from. */
interface SourceState {
  /** How many repeats have come, each soon after the last. */
  repeats: number;
  lastRepeat: number;
  /** Until when it gets no answer, and until when it is trusted after that. */
  silentUntil: number;
  trustedUntil: number;
}

/**
 * Decides which datagrams a server answers (docs/architecture.md, "UDP loops").
 * It is given the time, from `performance.now()`.
 */
export class LoopGuard {
  readonly #ownPorts: ReadonlySet<number>;
  readonly #sources = new Map<string, SourceState>();
  /** When a datagram with a fingerprint came last, in a place that its fingerprint says. */
  readonly #fingerprints = new Uint32Array(MEMORY);
  readonly #times = new Float64Array(MEMORY).fill(-Infinity);

  /** @param ownPorts the ports at which the server itself receives datagrams */
  constructor(ownPorts: Iterable<number>) {
    this.#ownPorts = new Set(ownPorts);
  }

  /** Says why a datagram is not to be answered; undefined where it is. */
  objection(bytes: Uint8Array, address: string, port: number, now: number): string | undefined {
    if (port < FIRST_CLIENT_PORT) return "from a port below 1024, where services are";
    if (this.#ownPorts.has(port)) return "from a port of this server";
    const source = this.#source(`${address} ${port}`);
    if (now < source.silentUntil) {
      return "the same again and again: no answer for a second, to end loops";
    }
    const isRepeat = this.#seenSoon(fingerprintOf(bytes, port), now);
    if (!isRepeat || now < source.trustedUntil) return undefined;
    source.repeats = now - source.lastRepeat < SOON ? source.repeats + 1 : 1;
    source.lastRepeat = now;
    if (source.repeats < MAX_REPEATS) return undefined;
    source.repeats = 0;
    source.silentUntil = now + SILENCE;
    source.trustedUntil = source.silentUntil + TRUST;
    return this.objection(bytes, address, port, now);
  }

  #source(name: string): SourceState {
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    const source = {
      repeats: 0,
      lastRepeat: -Infinity,
      silentUntil: -Infinity,
      trustedUntil: -Infinity,
    };
    this.#sources.set(name, source);
    if (this.#sources.size > MAX_SOURCES) {
      const [oldest = ""] = this.#sources.keys();
      this.#sources.delete(oldest);
    }
    return source;
  }

  /** Whether a datagram of this fingerprint came not long ago; notes that it came now. */
  #seenSoon(fingerprint: number, now: number): boolean {
    const place = fingerprint & (MEMORY - 1);
    const seen = this.#fingerprints[place] === fingerprint &&
      now - (this.#times[place] ?? -Infinity) < SOON;
    this.#fingerprints[place] = fingerprint;
    this.#times[place] = now;
    return seen;
  }
}

/**
 * Tells different datagrams of a source apart (FNV-1a, as far as they are short).
 * Of long ones the beginning, the end and some bytes between are looked at:
 * those that differ nowhere there are taken for one, and cost their sender a
 * second of answers a minute.
 */
function fingerprintOf(bytes: Uint8Array, port: number): number {
  const { length } = bytes;
  let hash = 0x811c9dc5 ^ length ^ Math.imul(port, 0x9e3779b1);
  if (length <= SAMPLE) {
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  } else {
    const part = SAMPLE / 4;
    const step = Math.floor(length / part);
    for (let i = 0; i < part; i++) {
      hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
      hash = Math.imul(hash ^ (bytes[length - 1 - i] ?? 0), 0x01000193);
      hash = Math.imul(hash ^ (bytes[i * step] ?? 0), 0x01000193);
    }
  }
  return (hash ^ hash >>> 15) >>> 0;
}
