// What has passed on a connection, and for how long nothing has.
import { pause } from "../async/pause.ts";
import type { ReadScheduler } from "./read_scheduler.ts";

/** The byte path only adds to the counts (docs/development.md, "The byte path", rule 6). */
export class Traffic {
  received = 0;
  sent = 0;
  /** How many more bytes faults send than are received; negative where they lose some. */
  expectedDelta = 0;
  /** Ends the echo at its next read: the faults of its server were changed. */
  faultsChanged = false;
  /** The bytes at the last check; -1 before the first. */
  #seen = -1;
  #idle = 0;

  /**
   * Adds up the intervals between calls in which no byte has passed, in milliseconds. Not by the
   * clock: it goes on while the process is stopped or busy, but input is read only afterwards.
   */
  idleTime(interval: number): number {
    const passed = this.received + this.sent;
    this.#idle = passed === this.#seen ? this.#idle + interval : 0;
    this.#seen = passed;
    return this.#idle;
  }

  /** Whether all received bytes were sent back, apart from faults. */
  get isAnswered(): boolean {
    return this.sent === this.received + this.expectedDelta;
  }

  /** Restarts the idle time. */
  restart(): void {
    this.#seen = -1;
  }
}

/**
 * Checks idle times until the signal: once a second, more often for a timeout below 10 s. Before a
 * check, all input that has arrived can be read, however busy the process is.
 */
export async function sweep(
  timeout: number,
  scheduler: ReadScheduler,
  signal: AbortSignal,
  check: (interval: number) => void,
): Promise<void> {
  const interval = Math.min(1000, Math.max(10, timeout / 10));
  for (;;) {
    // A timer can be early by a part of a millisecond.
    await pause(interval + 1, signal);
    await scheduler.catchUp(signal);
    if (signal.aborted) return;
    check(interval);
  }
}
