import { failure } from "../async/pause.ts";
import { NoAddress } from "../errors/reason.ts";

/** The version of the Internet protocol. */
export type Family = 4 | 6;

/**
 * Looks up the addresses of a host, at most one of each family, IPv4 first; throws where there is
 * none. Those of localhost are fixed (RFC 6761, 6.3), since some systems have no hosts file.
 */
export async function addressesOf(
  host: string,
  family: Family | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const wanted = family === undefined ? [4, 6] : [family];
  if (host === "localhost") return wanted.map((one) => one === 4 ? "127.0.0.1" : "::1");
  const { lookup } = await import("node:dns/promises");
  // It takes no signal.
  const all = await Promise.race([lookup(host, { all: true }), failure(signal)]);
  const found = wanted.flatMap((one) => all.find((each) => each.family === one) ?? []);
  if (found.length === 0) throw new NoAddress(`it has no IPv${family} address`);
  // A server prints 0.0.0.0 or :: where it listens on all addresses.
  return found.map(({ address }) => ({ "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address));
}
