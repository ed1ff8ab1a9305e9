// Limits of each client: connections, and datagrams a second.
import type { ServePlan } from "./plan.ts";

const SECOND = 1000;

/** With more clients than this, a second ends early: that bounds the memory. */
const MAX_CLIENTS = 10_000;

/** Counts connections and datagrams by client. */
export class ClientLimits {
  readonly #connections = new Map<string, number>();
  /** Those of this second. */
  readonly #datagrams = new Map<string, number>();
  #secondEnds = -Infinity;

  constructor(private readonly limits: Pick<ServePlan, "maxPerClient" | "udpRate">) {}

  /** Opens a connection of an address, unless the limit is reached. */
  acquire(address: string): boolean {
    return increment(this.#connections, address, this.limits.maxPerClient);
  }

  release(address: string): void {
    const client = clientOf(address);
    const open = this.#connections.get(client) ?? 0;
    if (open > 1) this.#connections.set(client, open - 1);
    else this.#connections.delete(client);
  }

  mayAnswer(address: string, now: number): boolean {
    if (now >= this.#secondEnds || this.#datagrams.size >= MAX_CLIENTS) {
      this.#secondEnds = now + SECOND;
      this.#datagrams.clear();
    }
    return increment(this.#datagrams, address, this.limits.udpRate);
  }
}

function increment(counts: Map<string, number>, address: string, most: number): boolean {
  if (most === 0) return true;
  const client = clientOf(address);
  const count = counts.get(client) ?? 0;
  if (count >= most) return false;
  counts.set(client, count + 1);
  return true;
}

/** An IPv4 address, or the first 64 bits of an IPv6 address: one machine can have them all. */
function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = [], tail = []] = address.split("::").map((half) => half.split(":"));
  const zeros = Array(8 - head.length - tail.length).fill("0");
  return [...head, ...zeros, ...tail].slice(0, 4).join(":");
}
