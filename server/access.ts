// Who may use a server, by its address.
import { OptionError } from "../errors/yodel_error.ts";
import { network, readValue } from "../values/value_types.ts";

/**
 * Makes a rule of addresses and networks, such as `10.0.0.0/8`. Where any are
 * allowed, all others are denied; what is denied is not allowed. Node's lists,
 * which know IPv4 in the form of IPv6 as well, are loaded only where there is one.
 *
 * @returns says whether an address is let in
 * @throws {OptionError} for what is neither an address nor a network
 */
export async function accessBy(
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
