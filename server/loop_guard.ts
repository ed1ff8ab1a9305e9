// Prevents two services that answer datagrams from answering each other for ever: a datagram with
// the forged source of another echo service would go back and forth between them (CVE-1999-0103,
// CVE-2024-2169). docs/development.md, "UDP loops", has the rule.

/** Ports below this one are those of services. */
const FIRST_CLIENT_PORT = 1024;

/** The longest time between two repetitions, in milliseconds. */
const LONGEST_GAP = 500;

/** For how long they lead to a silence, in milliseconds. */
const WATCH = 500;

/** In milliseconds. Many clients send again after a second without an answer. */
const SILENCE = 900;

/** From the beginning of a silence to the next watch, in milliseconds. */
const TRUST = 60_000;

/** The binary logarithm of the number of states: sources share them, so that memory is bounded. */
const STATES_BITS = 14;

/** How many bytes are compared at either end of a datagram over twice this size. */
const COMPARED = 1024;

/** Why a datagram is not answered: it is from a port of services, of this server, or in a loop. */
export type Rejection = "low_port" | "own_port" | "repeated";

interface Source {
  /** The fingerprint of the watched datagram. */
  watched: number;
  /** When that was first and last received. */
  first: number;
  last: number;
  silentSince: number;
}

/** Decides which datagrams a server answers. */
export class LoopGuard {
  readonly #ownPorts: ReadonlySet<number>;
  readonly #sources = new Map<number, Source>();
  /** Hides which sources share a state. */
  readonly #secret = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  /** Of the bytes compared last: making one takes longer than comparing a small datagram. */
  #view: DataView = new DataView(new ArrayBuffer(0));

  /** @param ownPorts where the server itself receives datagrams */
  constructor(ownPorts: Iterable<number>) {
    this.#ownPorts = new Set(ownPorts);
  }

  /** Returns why a datagram must not be answered, if so; `now` is from `performance.now()`. */
  check(bytes: Uint8Array, address: string, port: number, now: number): Rejection | undefined {
    if (port < FIRST_CLIENT_PORT) return "low_port";
    if (this.#ownPorts.has(port)) return "own_port";
    const source = this.#sourceOf(address, port);
    const sinceSilence = now - source.silentSince;
    if (sinceSilence < SILENCE) return "repeated";
    if (sinceSilence < TRUST) return undefined;
    const fingerprint = this.#fingerprintOf(bytes);
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

  /** A hash of the length and the compared bytes. */
  #fingerprintOf({ buffer, byteOffset: start, length }: Uint8Array): number {
    const view = this.#view = this.#view.buffer === buffer ? this.#view : new DataView(buffer);
    const end = start + length;
    if (length <= 2 * COMPARED) return mixAll(length, view, start, end);
    return mixAll(mixAll(length, view, start, start + COMPARED), view, end - COMPARED, end);
  }
}

function mixAll(hash: number, view: DataView, at: number, end: number): number {
  for (; at + 4 <= end; at += 4) hash = mix(hash, view.getInt32(at));
  for (; at < end; at++) hash = mix(hash, view.getUint8(at));
  return hash;
}

/** A step of FNV-1a, of 32 bits. */
function mix(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x01000193);
}
