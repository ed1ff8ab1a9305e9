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

/** So many equal datagrams from one source, each soon after the last, are taken for a loop. */
const MAX_REPEATS = 100;

/** How soon, in milliseconds, a datagram has to follow to count as a repeat. */
const SOON = 250;

/** How many sources are remembered. */
const MAX_SOURCES = 1000;

/** How many different datagrams of a source are remembered: so many can bounce at once. */
const MAX_CONTENTS = 64;

interface Repeats {
  count: number;
  at: number;
}

/** Decides which datagrams a server answers. */
export class LoopGuard {
  readonly #ownPorts: ReadonlySet<number>;
  readonly #sources = new Map<string, Map<number, Repeats>>();

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
    const contents = this.#sources.get(source) ?? new Map<number, Repeats>();
    putLast(this.#sources, source, contents, MAX_SOURCES);
    const fingerprint = fingerprintOf(bytes);
    const last = contents.get(fingerprint);
    const count = last !== undefined && now - last.at < SOON ? last.count + 1 : 1;
    putLast(contents, fingerprint, { count, at: now }, MAX_CONTENTS);
    return count > MAX_REPEATS ? "the same again and again: a loop" : undefined;
  }
}

/** Puts an entry at the end of a map, and drops the one that was put there longest ago. */
function putLast<K, V>(map: Map<K, V>, key: K, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

/** Tells different datagrams apart, but for one pair in four billion (FNV-1a). */
function fingerprintOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5 ^ bytes.length;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash;
}
