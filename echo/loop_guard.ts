/**
 * Keeps two services that answer datagrams from answering each other for ever.
 *
 * A datagram that pretends to come from one echo service and goes to another
 * would go back and forth between them without end (CVE-1999-0103,
 * CVE-2024-2169).
 *
 * @module
 */

/** Ports below this one belong to services, among them echo, not to clients. */
const FIRST_CLIENT_PORT = 1024;

/** So many equal datagrams in a row, one soon after the other, are taken for a loop. */
const MAX_REPEATS = 100;

/** How soon, in milliseconds, a datagram has to follow to count as a repeat. */
const SOON = 100;

/** How many sources are remembered. */
const MAX_SOURCES = 1000;

interface Repeats {
  fingerprint: number;
  count: number;
  at: number;
}

/** Decides which datagrams a server answers. */
export class LoopGuard {
  readonly #ownPorts: ReadonlySet<number>;
  readonly #repeats = new Map<string, Repeats>();

  /** @param ownPorts the ports at which the server itself receives datagrams */
  constructor(ownPorts: Iterable<number>) {
    this.#ownPorts = new Set(ownPorts);
  }

  /**
   * Says why a datagram is not to be answered; undefined where it is.
   *
   * @param now the present time, from `performance.now()`
   */
  objection(
    bytes: Uint8Array,
    address: string,
    port: number,
    now: number,
  ): string | undefined {
    if (port < FIRST_CLIENT_PORT) return "from a port below 1024, where services are";
    if (this.#ownPorts.has(port)) return "from a port of this server";
    const source = `${address} ${port}`;
    const fingerprint = fingerprintOf(bytes);
    const last = this.#repeats.get(source);
    this.#repeats.delete(source);
    const repeated = last?.fingerprint === fingerprint && now - last.at < SOON;
    const count = repeated ? last.count + 1 : 1;
    this.#repeats.set(source, { fingerprint, count, at: now });
    if (this.#repeats.size > MAX_SOURCES) {
      for (const oldest of this.#repeats.keys()) {
        this.#repeats.delete(oldest);
        break;
      }
    }
    return count > MAX_REPEATS ? "the same again and again: a loop" : undefined;
  }
}

/** Tells most different datagrams apart (FNV-1a, over their length and some of their bytes). */
function fingerprintOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5 ^ bytes.length;
  const step = Math.max(1, Math.floor(bytes.length / 64));
  for (let i = 0; i < bytes.length; i += step) {
    hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  }
  return hash;
}
