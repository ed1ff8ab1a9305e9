/**
 * What has passed on a connection, and for how long nothing has.
 *
 * @module
 */

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
  /** Bytes that are not to come back, less those that come back twice. */
  kept = 0;
  #seen = 0;
  #idle = 0;

  /**
   * For how long no byte has passed, in milliseconds, as far as whoever asks at
   * a regular interval can tell.
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
    return this.sent + this.kept === this.received;
  }

  /** Lets idle time count from now on. */
  restart(): void {
    this.#idle = 0;
  }
}

/**
 * How often to ask for the idle time of connections that may be idle for
 * `timeout` at most, in milliseconds: once a second, more often where the
 * timeout itself is shorter.
 */
export function sweepInterval(timeout: number): number {
  return Math.min(1000, Math.max(10, timeout / 4));
}
