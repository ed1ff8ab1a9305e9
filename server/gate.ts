// Whom a server lets in: by its address, and by how much it has already.
import { type Endpoint, formatAddress, formatEndpoint } from "../net/endpoint.ts";
import { accessBy } from "./access.ts";
import type { LogFields } from "./log.ts";
import type { ServePlan } from "./plan.ts";

/** How long datagrams of a client count, in milliseconds. */
const SECOND = 1000;

/** When those of so many clients are counted, a second ends early: the table stays small. */
const MAX_CLIENTS = 10_000;

/** From one line that says how much was refused to the next, in milliseconds. */
const REMINDER = 60_000;

/**
 * Makes the gate of a server; none for one that refuses nobody.
 *
 * @throws {OptionError} for what is neither an address nor a network
 */
export async function gateOf(plan: ServePlan): Promise<Gate | undefined> {
  const { allow, deny, maxPerClient, udpRate } = plan;
  if (allow.length + deny.length + maxPerClient + udpRate === 0) return undefined;
  return new Gate(plan, await accessBy(allow, deny));
}

/** Knows who is let in. */
export interface Doorkeeper {
  /** Lets a connection in, until {@linkcode leave}; false where it is to be closed at once. */
  enter(from: Deno.Addr, on: Endpoint): boolean | Promise<boolean>;
  /** A connection that was let in is closed. */
  leave(from: Deno.Addr): void;
  /** Whether a datagram may be answered; `now` is from `performance.now()`. Where there are any. */
  answers?(from: Deno.NetAddr, on: Endpoint, now: number): boolean;
}

/** Refuses clients, and says so. Those at Unix sockets have no address and are never refused. */
export class Gate implements Doorkeeper {
  /** How much was refused, by why. */
  readonly refused: Record<string, number> = {};
  readonly #plan: ServePlan;
  readonly #allows: (address: string) => boolean;
  /** How many each client has open. No more entries than there are connections. */
  readonly #connections = new Map<string, number>();
  /** How many each client was answered in this second. */
  readonly #datagrams = new Map<string, number>();
  #secondEnds = -Infinity;
  #reminded = -Infinity;

  constructor(plan: ServePlan, allows: (address: string) => boolean) {
    this.#plan = plan;
    this.#allows = allows;
  }

  enter(from: Deno.Addr, on: Endpoint): boolean {
    return this.#admits("connections", from, on, this.#connections, this.#plan.maxPerClient);
  }

  leave(from: Deno.Addr): void {
    const client = clientOf(hostOf(from));
    const open = this.#connections.get(client) ?? 0;
    if (open > 1) this.#connections.set(client, open - 1);
    else this.#connections.delete(client);
  }

  answers(from: Deno.NetAddr, on: Endpoint, now: number): boolean {
    if (now >= this.#secondEnds || this.#datagrams.size >= MAX_CLIENTS) {
      this.#secondEnds = now + SECOND;
      this.#datagrams.clear();
    }
    return this.#admits("datagrams", from, on, this.#datagrams, this.#plan.udpRate);
  }

  #admits(
    what: "connections" | "datagrams",
    from: Deno.Addr,
    on: Endpoint,
    counts: Map<string, number>,
    most: number,
  ): boolean {
    if ("path" in on) return true;
    const address = hostOf(from);
    if (!this.#allows(address)) return this.#refuse(`${what}_denied`, from, on);
    if (most === 0) return true;
    const client = clientOf(address);
    const count = counts.get(client) ?? 0;
    if (count >= most) return this.#refuse(`${what}_over_limit`, from, on, { [what]: most });
    counts.set(client, count + 1);
    return true;
  }

  #refuse(why: string, from: Deno.Addr, on: Endpoint, limit?: LogFields): false {
    const { log } = this.#plan;
    const now = performance.now();
    const count = (this.refused[why] ?? 0) + 1;
    this.refused[why] = count;
    const who = { peer: formatAddress(from), endpoint: formatEndpoint(on) };
    log.debug?.("refused", { ...who, why });
    if (count === 1 && limit !== undefined) log.warn?.("limit reached", { ...who, ...limit });
    if (now - this.#reminded >= REMINDER) {
      this.#reminded = now;
      log.info?.("refused so far", { ...this.refused });
    }
    return false;
  }
}

/** The host of an address, IPv4 in its own form and without the zone; empty at a Unix socket. */
function hostOf(from: Deno.Addr): string {
  const address = "hostname" in from ? from.hostname : "";
  return address.replace(/^::ffff:(?=[\d.]+$)/i, "").replace(/%.*/, "");
}

/** Who has an address: of IPv6 all who share the first 64 bits, which is what a machine is given. */
function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = [], tail = []] = address.split("::").map((half) => half.split(":"));
  const zeros = Array(8 - head.length - tail.length).fill("0");
  return [...head, ...zeros, ...tail].slice(0, 4).join(":");
}
