/**
 * What has passed on a connection, and how long nothing has.
 *
 * @module
 */

/**
 * The bytes that one end of a connection has received and sent.
 *
 * The byte path only adds to the two numbers; whoever needs to know whether
 * the connection is idle looks at them now and then. So idle time costs the
 * byte path neither a clock nor a timer (design, byte path, rule 6).
 */
export class Traffic {
  received = 0;
  sent = 0;
  #seen = 0;
  #idleLooks = 0;

  /**
   * Looks whether any byte has passed since the last look.
   *
   * Idle time is counted in looks and not by the clock: when the process was
   * stopped or busy for a while, the clock has gone on, but what came meanwhile
   * has not been read yet.
   *
   * @returns how many looks in a row, with this one, have seen no byte pass
   */
  look(): number {
    const passed = this.received + this.sent;
    this.#idleLooks = passed === this.#seen ? this.#idleLooks + 1 : 0;
    this.#seen = passed;
    return this.#idleLooks;
  }
}

/**
 * How often to look at connections that may be idle for `timeout` at most, in
 * milliseconds: once a second, more often where the timeout itself is shorter.
 */
export function lookInterval(timeout: number): number {
  return Math.min(1000, Math.max(10, timeout / 4));
}
