// What has passed on a connection, and for how long nothing has.
import { pause } from "../async/pause.ts";
import type { ReadTurns } from "./read_turns.ts";

/**
 * The bytes that one end of a connection has received and sent.
 *
 * The byte path only adds to the two numbers; whoever needs to know whether
 * the connection is idle asks now and then. So idle time costs the byte path
 * neither a clock nor a timer (docs/architecture.md, "The byte path", rule 6).
 */
export class Traffic {
  received = 0;
  sent = 0;
  /** How many bytes more are to be sent than received; less than none where some are to be lost. */
  expectedDelta = 0;
  /** How much had passed at the last look; less than nothing: that look is still to come. */
  #seen = -1;
  #idle = 0;

  /**
   * For how long no byte has passed, in milliseconds, as far as whoever asks at
   * a regular interval can tell: less than it is, by an interval at most. The one in
   * which it began does not count.
   *
   * The intervals are added up; the clock is not asked. When the process was
   * stopped or busy for a while, the clock has gone on, but what came meanwhile
   * has not been read yet.
   *
   * @param interval from one call to the next, in milliseconds
   */
  idleTime(interval: number): number {
    const passed = this.received + this.sent;
    this.#idle = passed === this.#seen ? this.#idle + interval : 0;
    this.#seen = passed;
    return this.#idle;
  }

  /** Whether all that was received was answered. */
  get isAnswered(): boolean {
    return this.sent === this.received + this.expectedDelta;
  }

  /** Lets idle time count from now on. */
  restart(): void {
    this.#seen = -1;
  }
}

/**
 * Checks idle times at a regular interval, until the signal: once a second, more
 * often where the time limit itself is shorter.
 *
 * A check waits until all that has come by then could be read: when the process
 * was stopped, or has thousands of connections to read, its peers are not silent.
 *
 * @param timeout how long connections may be idle at most, in milliseconds
 * @param turns those of the readers
 * @param check is given the interval, in milliseconds
 */
export async function sweep(
  timeout: number,
  turns: ReadTurns,
  signal: AbortSignal,
  check: (interval: number) => void,
): Promise<void> {
  const interval = Math.min(1000, Math.max(10, timeout / 10));
  for (;;) {
    // A timer can be early by a part of a millisecond.
    await pause(interval + 1, signal);
    await turns.caughtUp(signal);
    if (signal.aborted) return;
    check(interval);
  }
}
