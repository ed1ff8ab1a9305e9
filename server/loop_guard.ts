/**
 * Keeps two services that answer datagrams from answering each other for ever.
 *
 * A datagram that pretends to come from one echo service and goes to another
 * would go back and forth between them without end (CVE-1999-0103,
 * CVE-2024-2169). Its content does not show whether it is in a loop, or from a
 * client that sends the same again and again; but a loop needs answers. After a
 * moment without any, nothing is under way in it, however many datagrams there were.
 *
 * The state of a source:
 *
 *     ┌─▶ watching one datagram ──┐ it did not come again for half a second:
 *     │      │   ▲                │ the next datagram is watched
 *     │      │   └────────────────┘
 *     │      │ it came again and again for half a second
 *     │      ▼
 *     │   silent: no answers for 0.9 seconds
 *     │      │
 *     │      ▼
 *     └── trusted: all answers, until a minute after the silence began
 *
 * So a loop ends within a second of its beginning, and a client that repeats
 * itself loses 0.9 seconds of answers a minute. A loop that is begun anew while
 * its source is trusted ends once it is not: what distinguishes it from a client
 * that waits for an answer and sends again is only who sent it.
 *
 * @module
 */

/** Ports below this one belong to services, among them echo, not to clients. */
const FIRST_CLIENT_PORT = 1024;

/** How soon the watched datagram has to come again, in milliseconds. */
const LONGEST_GAP = 500;

/** After so long a time of that, in milliseconds, its source gets no answer … */
const WATCH = 500;

/**
 * … for this long, in milliseconds. Somewhat less than the second after which
 * many a client that waits for its answer sends again: that is answered.
 */
const SILENCE = 900;

/** From one silence of a source to the next, in milliseconds, at least. */
const TRUST = 60_000;

/**
 * How many states there are, a power of two. Sources that share one are watched as one, so
 * that no number of sources takes more memory, and none is forgotten for another. Which ones
 * do is not to be known from outside.
 */
const STATES_BITS = 14;

/** Of a datagram over twice this size so many bytes are compared at either end. */
const COMPARED = 1024;

/** Why a datagram is not answered. */
export type Rejection = "low_port" | "own_port" | "repeated";

/** The same in words. */
export const REJECTIONS: Readonly<Record<Rejection, string>> = {
  low_port: "from a port below 1024, where services are",
  own_port: "from a port of this server",
  repeated: "the same again and again, as in a loop: no answer for a second",
};

/** What is known of a source. */
interface Source {
  /** The fingerprint of the watched datagram. */
  watched: number;
  /** When that came first, and when last. */
  first: number;
  last: number;
  /** When the last silence began. */
  silentSince: number;
}

/** Decides which datagrams a server answers (docs/architecture.md, "UDP loops"). */
export class LoopGuard {
  readonly #ownPorts: ReadonlySet<number>;
  readonly #sources = new Map<number, Source>();
  readonly #secret = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

  /** @param ownPorts the ports at which the server itself receives datagrams */
  constructor(ownPorts: Iterable<number>) {
    this.#ownPorts = new Set(ownPorts);
  }

  /**
   * Checks a datagram.
   *
   * @param now the present time, from `performance.now()`
   * @returns why it must not be answered; undefined where it may be
   */
  check(bytes: Uint8Array, address: string, port: number, now: number): Rejection | undefined {
    if (port < FIRST_CLIENT_PORT) return "low_port";
    if (this.#ownPorts.has(port)) return "own_port";
    const source = this.#sourceOf(address, port);
    const sinceSilence = now - source.silentSince;
    if (sinceSilence < SILENCE) return "repeated";
    if (sinceSilence < TRUST) return undefined;
    const fingerprint = fingerprintOf(bytes);
    if (now - source.last > LONGEST_GAP) {
      source.watched = fingerprint;
      source.first = source.last = now;
    } else if (source.watched === fingerprint) {
      source.last = now;
      if (now - source.first < WATCH) return undefined;
      source.silentSince = now;
      return "repeated";
    }
    return undefined;
  }

  #sourceOf(address: string, port: number): Source {
    let hash = mix(this.#secret, port);
    for (let i = 0; i < address.length; i++) hash = mix(hash, address.charCodeAt(i));
    const place = hash >>> (32 - STATES_BITS);
    let source = this.#sources.get(place);
    if (source === undefined) {
      source = { watched: 0, first: 0, last: -Infinity, silentSince: -Infinity };
      this.#sources.set(place, source);
    }
    return source;
  }
}

/** Distinguishes datagrams, but for one pair in four billion and those that differ where it does not look. */
function fingerprintOf(bytes: Uint8Array): number {
  const { length } = bytes;
  if (length <= 2 * COMPARED) return mixAll(length, bytes);
  return mixAll(mixAll(length, bytes.subarray(0, COMPARED)), bytes.subarray(-COMPARED));
}

function mixAll(hash: number, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words = bytes.length & ~3;
  let at = 0;
  for (; at < words; at += 4) hash = mix(hash, view.getInt32(at));
  for (; at < bytes.length; at++) hash = mix(hash, view.getUint8(at));
  return hash;
}

/** A step of FNV-1a, of 32 bits. */
function mix(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x01000193);
}
