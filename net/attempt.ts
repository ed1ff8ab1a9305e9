import { pause } from "../async/pause.ts";
import { reason } from "../errors/reason.ts";
import type { DialAttempt } from "./dial_options.ts";
import { type Endpoint, EndpointError } from "./endpoint.ts";

/** In milliseconds. */
const RETRY_INTERVAL = 100;

/**
 * @param timeout in milliseconds; 0 or Infinity: none
 * @param whyLate makes the message of a timeout, where it can say more than "timed out"
 * @throws {EndpointError} or the reason of the signal
 */
export async function inTime<T>(
  endpoint: Endpoint,
  timeout: number,
  signal: AbortSignal | undefined,
  attempt: (either: AbortSignal) => Promise<T>,
  whyLate: (time: string) => string | undefined = () => undefined,
): Promise<T> {
  const late = new AbortController();
  const time = `${timeout / 1000}s`;
  const timer = timeout > 0 && timeout < Infinity
    ? setTimeout(() => late.abort(whyLate(time) ?? `timed out after ${time}`), timeout)
    : undefined;
  const either = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
  try {
    return await attempt(either);
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
 * Retries until a server answers.
 *
 * @param attempt sends something, calls `onSent`, and returns once something came back
 * @param isFinal whether a retry would fail in the same way
 * @throws {EndpointError} or the reason of the signal
 */
export async function untilAnswered(
  endpoint: Endpoint,
  { wait = 0, signal, onRetry }: Partial<DialAttempt>,
  attempt: (either: AbortSignal, onSent: () => void) => Promise<void>,
  isFinal: (error: EndpointError) => boolean,
): Promise<void> {
  let why: string | undefined;
  let isSent = false;
  await inTime(endpoint, wait, signal, async (either) => {
    for (;;) {
      try {
        return await attempt(either, () => isSent = true);
      } catch (error) {
        if (either.aborted || !(error instanceof EndpointError) || isFinal(error)) throw error;
        isSent = false;
        why = reason(error.cause);
        onRetry?.(why);
        await pause(RETRY_INTERVAL, either);
      }
    }
  }, (time) => isSent ? `nothing came back in ${time}` : why && `${why}, and no better in ${time}`);
}
