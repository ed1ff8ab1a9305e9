// Who may use a server: allowed and denied addresses, and the limits of each client.
import { OptionError } from "../errors/yodel_error.ts";
import { type Endpoint, formatAddress, formatEndpoint } from "../net/endpoint.ts";
import { network, readValue } from "../values/value_types.ts";
import { ClientLimits } from "./client_limits.ts";
import type { LogFields } from "./log.ts";
import type { ServePlan } from "./plan.ts";

/** From one line of the log with all counts to the next, in milliseconds. */
const REMINDER = 60_000;

/** Decides about clients. Only one thread can, since it counts those of all. */
export interface Access {
  /** Whether a connection may stay, until {@linkcode leave}; false if it has to be closed at once. */
  enter(from: Deno.Addr, on: Endpoint): boolean | Promise<boolean>;
  /** A connection that entered is closed. */
  leave(from: Deno.Addr): void;
  /** Whether a datagram may be answered; `now` is from `performance.now()`. The other threads get none. */
  mayAnswer?(from: Deno.NetAddr, on: Endpoint, now: number): boolean;
}

/**
 * Makes the access control of a server; undefined for one that refuses nobody.
 *
 * @throws {OptionError} for what is neither an address nor a network
 */
export async function accessControlOf(plan: ServePlan): Promise<AccessControl | undefined> {
  const { allow, deny, maxPerClient, udpRate } = plan;
  if (allow.length + deny.length + maxPerClient + udpRate === 0) return undefined;
  return new AccessControl(plan, await addressRule(allow, deny));
}

/** Refuses clients, and logs that. Those at Unix sockets have no address and are never refused. */
export class AccessControl implements Access {
  /** How much was refused, by reason. */
  readonly refused: Record<string, number> = {};
  readonly #plan: ServePlan;
  readonly #isAllowed: (address: string) => boolean;
  readonly #limits: ClientLimits;
  #loggedAt = -Infinity;

  constructor(plan: ServePlan, isAllowed: (address: string) => boolean) {
    this.#plan = plan;
    this.#isAllowed = isAllowed;
    this.#limits = new ClientLimits(plan);
  }

  enter(from: Deno.Addr, on: Endpoint): boolean {
    if (!("hostname" in from)) return true;
    const host = plainHost(from);
    if (!this.#isAllowed(host)) return this.#refuse("connections_denied", from, on);
    if (this.#limits.acquire(host)) return true;
    const limit = { connections: this.#plan.maxPerClient };
    return this.#refuse("connections_over_limit", from, on, limit);
  }

  leave(from: Deno.Addr): void {
    if ("hostname" in from) this.#limits.release(plainHost(from));
  }

  mayAnswer(from: Deno.NetAddr, on: Endpoint, now: number): boolean {
    const host = plainHost(from);
    if (!this.#isAllowed(host)) return this.#refuse("datagrams_denied", from, on);
    if (this.#limits.mayAnswer(host, now)) return true;
    return this.#refuse("datagrams_over_limit", from, on, { datagrams: this.#plan.udpRate });
  }

  #refuse(why: string, from: Deno.Addr, on: Endpoint, limit?: LogFields): false {
    const { log } = this.#plan;
    const now = performance.now();
    const count = (this.refused[why] ?? 0) + 1;
    this.refused[why] = count;
    const who = { peer: formatAddress(from), endpoint: formatEndpoint(on) };
    log.debug?.("refused", { ...who, why });
    if (count === 1 && limit !== undefined) log.warn?.("limit reached", { ...who, ...limit });
    if (now - this.#loggedAt >= REMINDER) {
      this.#loggedAt = now;
      log.info?.("refused so far", { ...this.refused });
    }
    return false;
  }
}

/** The host of an address, IPv4 in its own form and without the zone. */
function plainHost({ hostname }: Deno.NetAddr): string {
  return hostname.replace(/^::ffff:(?=[\d.]+$)/i, "").replace(/%.*/, "");
}

/**
 * Makes a rule of addresses and networks, such as `10.0.0.0/8`. If any are
 * allowed, all others are denied; what is denied is not allowed. Node's lists,
 * which know IPv4 in the form of IPv6 as well, are loaded only if there is one.
 */
async function addressRule(
  allow: readonly string[],
  deny: readonly string[],
): Promise<(address: string) => boolean> {
  if (allow.length + deny.length === 0) return () => true;
  const { BlockList } = await import("node:net");
  const [allowed, denied] = [new BlockList(), new BlockList()];
  for (
    const [option, texts, list] of [["allow", allow, allowed], ["deny", deny, denied]] as const
  ) {
    for (const text of texts) {
      const known = readValue(network, text, (what) => new OptionError(option, what));
      const [address = "", bits] = known.split("/");
      if (bits === undefined) list.addAddress(address, familyOf(address));
      else list.addSubnet(address, Number(bits), familyOf(address));
    }
  }
  return (address) => {
    const family = familyOf(address);
    return !denied.check(address, family) && (allow.length === 0 || allowed.check(address, family));
  };
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}
