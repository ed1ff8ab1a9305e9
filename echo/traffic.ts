/**
 * What has passed on a connection, and how long nothing has.
 *
 * @module
 */

/**
 * The bytes that one end of a connection has received and sent.
 *
 * The byte path only adds to the two numbers; whoever needs to know whether
 * the connection is idle compares them now and then. So idle time costs the
 * byte path neither a clock nor a timer (design, byte path, rule 6).
 */
export class Traffic {
  received = 0;
  sent = 0;
  #seen = 0;
  #since = performance.now();

  /**
   * How long no byte has passed, in milliseconds, as far as earlier calls can
   * tell: the time since the first call that saw the present numbers. It is
   * never too long, and too short by at most the time between two calls.
   *
   * @param now the present time, from `performance.now()`
   */
  idle(now: number): number {
    const passed = this.received + this.sent;
    if (passed !== this.#seen) {
      this.#seen = passed;
      this.#since = now;
    }
    return now - this.#since;
  }
}

/**
 * How often to look at connections that may be idle for `timeout` at most, in
 * milliseconds: once a second, more often where the timeout itself is shorter.
 */
export function idleCheckInterval(timeout: number): number {
  return Math.min(1000, Math.max(10, timeout / 4));
}
