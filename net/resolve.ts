// The addresses of a name.
import { failure } from "../async/pause.ts";
import { NoAddress } from "../errors/reason.ts";

/** The version of the Internet protocol that an address is of. */
export type Family = 4 | 6;

/**
 * Looks up the addresses of a host, at most one of each family, IPv4 first. Those of localhost
 * are known (RFC 6761, 6.3): not every system has both, and some have no hosts file.
 *
 * @throws where there is none, or the reason of the signal
 */
export async function addressesOf(
  host: string,
  family: Family | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  if (host === "localhost") {
    const [v4, v6] = ["127.0.0.1", "::1"];
    return family === undefined ? [v4, v6] : [family === 4 ? v4 : v6];
  }
  const { lookup } = await import("node:dns/promises");
  // It knows no signal.
  const all = await Promise.race([lookup(host, { all: true }), failure(signal)]);
  const wanted = family === undefined ? [4, 6] : [family];
  const found = wanted.flatMap((one) => all.find((each) => each.family === one) ?? []);
  if (found.length === 0) throw new NoAddress(`it has no IPv${family} address`);
  // What a server on all addresses prints means this machine.
  return found.map(({ address }) => ({ "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address));
}
