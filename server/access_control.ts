// Allowed and denied addresses, and the limits of each client.
import { OptionError } from "../errors/yodel_error.ts";
import { type Endpoint, formatAddress, formatEndpoint } from "../net/endpoint.ts";
import { network, readValue } from "../values/value_types.ts";
import { ClientLimits } from "./client_limits.ts";
import type { LogFields } from "./log.ts";
import type { ServePlan } from "./plan.ts";

/** From one log line with all counts to the next, in milliseconds. */
const REMINDER = 60_000;

/** Decides about clients. One thread does, for all, since it counts them. */
export interface Access {
  /** Whether a connection is allowed; if so, {@linkcode leave} has to follow. */
  enter(from: Deno.Addr, on: Endpoint): boolean | Promise<boolean>;
  leave(from: Deno.Addr): void;
  /** Whether to answer a datagram; `now` is from `performance.now()`. Missing in other threads. */
  mayAnswer?(from: Deno.NetAddr, on: Endpoint, now: number): boolean;
}

/**
 * Makes the access control of a server; undefined without any rule or limit.
 *
 * @throws {OptionError} for what is neither an address nor a network
 */
export async function accessControlOf(plan: ServePlan): Promise<AccessControl | undefined> {
  const { allow, deny, maxPerClient, udpRate } = plan;
  if (allow.length + deny.length + maxPerClient + udpRate === 0) return undefined;
  return new AccessControl(plan, await addressRule(allow, deny));
}

/** Refuses clients, except at Unix sockets: they have no address. */
export class AccessControl implements Access {
  /** Counts of refusals, by reason. */
  readonly refused: Record<string, number> = {};
  readonly #limits: ClientLimits;
  #loggedAt = -Infinity;

  constructor(
    private readonly plan: ServePlan,
    private readonly isAllowed: (address: string) => boolean,
  ) {
    this.#limits = new ClientLimits(plan);
  }

  enter(from: Deno.Addr, on: Endpoint): boolean {
    if (!("hostname" in from)) return true;
    const host = plainHost(from);
    if (!this.isAllowed(host)) return this.#refuse("connections_denied", from, on);
    if (this.#limits.acquire(host)) return true;
    const limit = { connections: this.plan.maxPerClient };
    return this.#refuse("connections_over_limit", from, on, limit);
  }

  leave(from: Deno.Addr): void {
    if ("hostname" in from) this.#limits.release(plainHost(from));
  }

  mayAnswer(from: Deno.NetAddr, on: Endpoint, now: number): boolean {
    const host = plainHost(from);
    if (!this.isAllowed(host)) return this.#refuse("datagrams_denied", from, on);
    if (this.#limits.mayAnswer(host, now)) return true;
    return this.#refuse("datagrams_over_limit", from, on, { datagrams: this.plan.udpRate });
  }

  #refuse(why: string, from: Deno.Addr, on: Endpoint, limit?: LogFields): false {
    const { log } = this.plan;
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

/** The host without a zone, and IPv4-mapped IPv6 as IPv4. */
function plainHost({ hostname }: Deno.NetAddr): string {
  return hostname.replace(/^::ffff:(?=[\d.]+$)/i, "").replace(/%.*/, "");
}

/**
 * Makes a rule of addresses and networks, such as `10.0.0.0/8`. If any are allowed, all others are
 * denied; `deny` comes first. Node's lists handle IPv4-mapped IPv6; they are loaded on demand.
 */
async function addressRule(
  allow: readonly string[],
  deny: readonly string[],
): Promise<(address: string) => boolean> {
  if (allow.length + deny.length === 0) return () => true;
  const { BlockList } = await import("node:net");
  const [allowed, denied] = [new BlockList(), new BlockList()];
  const fill = (option: string, texts: readonly string[], list: typeof allowed) => {
    for (const text of texts) {
      const known = readValue(network, text, (what) => new OptionError(option, what));
      const [address = "", bits] = known.split("/");
      if (bits === undefined) list.addAddress(address, familyOf(address));
      else list.addSubnet(address, Number(bits), familyOf(address));
    }
  };
  fill("allow", allow, allowed);
  fill("deny", deny, denied);
  return (address) => {
    const family = familyOf(address);
    return !denied.check(address, family) && (allow.length === 0 || allowed.check(address, family));
  };
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}
