// What connecting over any transport needs: addresses, a time limit, retries.
import { failure, pause } from "../async/pause.ts";
import { NoAddress, reason, Untrusted } from "../errors/reason.ts";
import type { DialAttempt, Family } from "./dial_options.ts";
import { type Endpoint, EndpointError } from "./endpoint.ts";

/** In milliseconds. */
const RETRY_INTERVAL = 100;

/** Why a timeout was reached, followed by the time. */
const NO_ANSWER = "nothing came back in";

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

/**
 * @param timeout in milliseconds; 0 or Infinity: none
 * @param attempt can set why a timeout was reached, followed by the time
 * @throws {EndpointError} or the reason of the signal
 */
export async function inTime<T>(
  endpoint: Endpoint,
  timeout: number,
  signal: AbortSignal | undefined,
  attempt: (either: AbortSignal, setWhy: (why: string) => void) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  let why = "timed out after";
  const timer = timeout > 0 && timeout < Infinity
    ? setTimeout(() => late.abort(`${why} ${timeout / 1000}s`), timeout)
    : undefined;
  const either = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
  try {
    return await attempt(either, (words) => why = words);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const cause = late.signal.aborted ? late.signal.reason : error;
    if (cause instanceof EndpointError) throw cause;
    throw new EndpointError("cannot connect to", endpoint, cause);
  } finally {
    clearTimeout(timer);
    // Otherwise a long-lived `signal` would keep `either` in memory (denoland/deno#24842).
    late.abort("over");
  }
}

/**
 * Retries until a server answers, unless its certificate is not trusted.
 *
 * @param attempt sends something, calls `onSent`, and returns once something came back; it has
 *   `timeout` as well
 * @throws {EndpointError} or the reason of the signal
 */
export async function untilAnswered(
  endpoint: Endpoint,
  { wait = 0, timeout = 0, signal, onRetry }: Partial<DialAttempt>,
  attempt: (either: AbortSignal, onSent: () => void) => Promise<void>,
): Promise<void> {
  await inTime(endpoint, wait, signal, async (either, setWhy) => {
    for (;;) {
      try {
        return await inTime(endpoint, timeout, either, (one, setOwn) =>
          attempt(one, () => {
            setWhy(NO_ANSWER);
            setOwn(NO_ANSWER);
          }));
      } catch (error) {
        const isFinal = !(error instanceof EndpointError) || error.cause instanceof Untrusted;
        if (either.aborted || isFinal) throw error;
        const why = reason(error.cause);
        setWhy(`${why}; retried for`);
        onRetry?.(why);
        await pause(RETRY_INTERVAL, either);
      }
    }
  });
}
