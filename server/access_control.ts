// Allowed and denied addresses, and the limits of each client.
import { OptionError } from "../errors/yodel_error.ts";
import { type Endpoint, formatAddress, formatEndpoint } from "../net/endpoint.ts";
import { network, readValue } from "../values/value_types.ts";
import { ClientLimits } from "./client_limits.ts";
import type { ServePlan } from "./plan.ts";

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

  constructor(
    private readonly plan: ServePlan,
    private readonly isAllowed: (address: string) => boolean,
  ) {
    this.#limits = new ClientLimits(plan);
  }

  enter(from: Deno.Addr, on: Endpoint): boolean {
    if (!("hostname" in from)) return true;
    return this.#check("connections", from, on, (host) => this.#limits.acquire(host));
  }

  leave(from: Deno.Addr): void {
    if ("hostname" in from) this.#limits.release(plainHost(from));
  }

  mayAnswer(from: Deno.NetAddr, on: Endpoint, now: number): boolean {
    return this.#check("datagrams", from, on, (host) => this.#limits.mayAnswer(host, now));
  }

  #check(
    what: string,
    from: Deno.NetAddr,
    on: Endpoint,
    isWithinLimit: (host: string) => boolean,
  ): boolean {
    const host = plainHost(from);
    const isAllowed = this.isAllowed(host);
    if (isAllowed && isWithinLimit(host)) return true;
    const why = `${what}_${isAllowed ? "over_limit" : "denied"}`;
    const count = this.refused[why] = (this.refused[why] ?? 0) + 1;
    const fields = { peer: formatAddress(from), endpoint: formatEndpoint(on), why };
    this.plan.log[count === 1 ? "warn" : "debug"]?.("refused", fields);
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
  const listOf = (option: string, texts: readonly string[]) => {
    const list = new BlockList();
    for (const text of texts) {
      const known = readValue(network, text, (what) => new OptionError(option, what));
      const [address = "", bits] = known.split("/");
      if (bits === undefined) list.addAddress(address, familyOf(address));
      else list.addSubnet(address, Number(bits), familyOf(address));
    }
    return (address: string) => list.check(address, familyOf(address));
  };
  const [isAllowed, isDenied] = [listOf("allow", allow), listOf("deny", deny)];
  return (address) => !isDenied(address) && (allow.length === 0 || isAllowed(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}
