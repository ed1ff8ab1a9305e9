// Attempts to reach a server: with a time limit, and again until it answers.
import { pause } from "../async/pause.ts";
import { reason } from "../errors/reason.ts";
import { type Endpoint, EndpointError } from "./endpoint.ts";

/** From one attempt to the next, in milliseconds. */
const AGAIN = 100;

/**
 * Attempts to reach an endpoint, within a time.
 *
 * @param timeout in milliseconds; 0 or Infinity: no limit
 * @param attempt is given a signal that ends it
 * @param late why it could not be reached in that time, if more is known
 * @throws {EndpointError} where it fails, or takes too long
 * @throws the reason of the signal
 */
export async function inTime<T>(
  endpoint: Endpoint,
  timeout: number,
  signal: AbortSignal | undefined,
  attempt: (given: AbortSignal) => Promise<T>,
  late: (time: string) => string | undefined = () => undefined,
): Promise<T> {
  const overdue = new AbortController();
  const time = `${timeout / 1000}s`;
  const timer = timeout > 0 && timeout < Infinity
    ? setTimeout(() => overdue.abort(late(time) ?? `timed out after ${time}`), timeout)
    : undefined;
  const given = signal === undefined ? overdue.signal : AbortSignal.any([overdue.signal, signal]);
  try {
    return await attempt(given);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const cause = overdue.signal.aborted ? overdue.signal.reason : error;
    if (cause instanceof EndpointError) throw cause;
    throw new EndpointError("cannot connect to", endpoint, cause);
  } finally {
    clearTimeout(timer);
    // Else the signal that was given would keep who has listened to both.
    overdue.abort("over");
  }
}

/** How long to attempt it, and what to call meanwhile. */
interface Waiting {
  /** In milliseconds. */
  readonly wait: number;
  readonly signal?: AbortSignal;
  /** Called before each other attempt, with why the last one failed. */
  readonly onRetry?: (why: string) => void;
}

/**
 * Waits until a server answers: attempts it again and again.
 *
 * @param attempt sends something, and returns once something came back; calls
 *   `onSent` when it has sent it
 * @param isFinal whether another attempt would fail as this one did
 * @throws {EndpointError} where no attempt succeeds in time, or one fails for good
 * @throws the reason of the signal
 */
export async function untilAnswered(
  endpoint: Endpoint,
  { wait, signal, onRetry }: Waiting,
  attempt: (given: AbortSignal, onSent: () => void) => Promise<void>,
  isFinal: (error: EndpointError) => boolean,
): Promise<void> {
  let why: string | undefined;
  let isSent = false;
  await inTime(endpoint, wait, signal, async (given) => {
    for (;;) {
      try {
        return await attempt(given, () => isSent = true);
      } catch (error) {
        if (given.aborted || !(error instanceof EndpointError) || isFinal(error)) throw error;
        isSent = false;
        why = reason(error.cause);
        onRetry?.(why);
        await pause(AGAIN, given);
      }
    }
  }, (time) => isSent ? `nothing came back in ${time}` : why && `${why}, and no better in ${time}`);
}
