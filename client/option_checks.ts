import { OptionError } from "../errors/yodel_error.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { checkUdp, MAX_DATAGRAM } from "../net/udp.ts";
import { hasConnections } from "../net/transports.ts";

/** @throws {OptionError} for a number that is not whole, or less than `least` */
export function checkWhole(least: number, numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isInteger(value) && value >= least) continue;
    throw new OptionError(name, `expected a whole number from ${least} on, not ${value}`);
  }
}

/** @throws {OptionError} for a number that is not finite, or less than 0 */
export function checkNotNegative(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (value >= 0 && value < Infinity) continue;
    throw new OptionError(name, `expected a number from 0 on, not ${value}`);
  }
}

/**
 * @throws {OptionError} for what is not possible over datagrams
 * @throws {YodelError} where Deno has no datagrams
 */
export function checkDatagrams(
  endpoint: Endpoint,
  { reconnect, size }: { readonly reconnect: boolean; readonly size: number },
): void {
  checkUdp(endpoint);
  if (hasConnections(endpoint)) return;
  if (reconnect) throw new OptionError("reconnect", "udp:// has no connection to open");
  if (size <= MAX_DATAGRAM) return;
  throw new OptionError("size", `a datagram holds ${MAX_DATAGRAM} bytes at most, not ${size}`);
}
