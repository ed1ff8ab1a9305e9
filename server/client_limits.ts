// What each client may have: how many connections, and how many datagrams a second.

/** How long datagrams of a client count, in milliseconds. */
const SECOND = 1000;

/** With so many clients counted, a second ends early: the table stays small. */
const MAX_CLIENTS = 10_000;

/** Limits of a client; 0: no limit. */
export interface Limits {
  /** How many connections it may have at once. */
  readonly maxPerClient: number;
  /** How many of its datagrams are answered in a second. */
  readonly udpRate: number;
}

/** Counts what clients have. Limits of their bytes would be counted here as well. */
export class ClientLimits {
  readonly #limits: Limits;
  /** The connections of each client. No more entries than there are connections. */
  readonly #connections = new Map<string, number>();
  /** The datagrams of each client in this second. */
  readonly #datagrams = new Map<string, number>();
  #secondEnds = -Infinity;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Whether an address may have one more connection, which is {@linkcode release}d later. */
  acquire(address: string): boolean {
    return increment(this.#connections, address, this.#limits.maxPerClient);
  }

  /** A connection of an address has ended. */
  release(address: string): void {
    const client = clientOf(address);
    const open = this.#connections.get(client) ?? 0;
    if (open > 1) this.#connections.set(client, open - 1);
    else this.#connections.delete(client);
  }

  /** Whether an address may have one more answer; `now` is from `performance.now()`. */
  mayAnswer(address: string, now: number): boolean {
    if (now >= this.#secondEnds || this.#datagrams.size >= MAX_CLIENTS) {
      this.#secondEnds = now + SECOND;
      this.#datagrams.clear();
    }
    return increment(this.#datagrams, address, this.#limits.udpRate);
  }
}

/** Counts one more, unless the limit is reached. */
function increment(counts: Map<string, number>, address: string, most: number): boolean {
  if (most === 0) return true;
  const client = clientOf(address);
  const count = counts.get(client) ?? 0;
  if (count >= most) return false;
  counts.set(client, count + 1);
  return true;
}

/** The client of an address. Of IPv6 it is the first 64 bits, which a machine is given. */
function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = [], tail = []] = address.split("::").map((half) => half.split(":"));
  const zeros = Array(8 - head.length - tail.length).fill("0");
  return [...head, ...zeros, ...tail].slice(0, 4).join(":");
}
