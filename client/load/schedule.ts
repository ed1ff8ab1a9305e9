/** Times are in milliseconds, by `performance.now()`. */
export interface Timing {
  /** When the first message is due. */
  readonly start: number;
  /** When the warm-up ends. */
  readonly countFrom: number;
  readonly end: number;
  /** Without the warm-up. */
  readonly messages: number;
  /** The time between messages; 0: each is due as soon as it can be sent. */
  readonly interval: number;
}

/**
 * Decides when messages are due: at a constant rate, or as soon as there is room for one.
 *
 * At a rate, a message that is sent late keeps the time when it was due, so that a stall of the
 * server shows in the latency of every message that it delayed (no coordinated omission).
 */
export class Schedule {
  end: number;
  /** Without the warm-up. */
  #left: number;
  #taken = 0;

  constructor(private readonly timing: Timing) {
    this.end = timing.end;
    this.#left = timing.messages;
  }

  get isPaced(): boolean {
    return this.timing.interval > 0;
  }

  /** When the next message is due, at a rate. */
  get next(): number {
    return this.timing.start + this.#taken * this.timing.interval;
  }

  /** Takes the next message; returns when it was due, or undefined if none is. */
  take(now: number): number | undefined {
    if (this.isOver(now)) return undefined;
    const { countFrom } = this.timing;
    // Messages that the warm-up did not send would delay those that count.
    if (this.isPaced && now >= countFrom) {
      this.#taken = Math.max(this.#taken, this.#dueBefore(countFrom));
    }
    const due = this.isPaced ? this.next : now;
    if (due > now) return undefined;
    this.#taken++;
    if (due >= countFrom) this.#left--;
    return due;
  }

  isOver(now: number): boolean {
    return now >= this.end || this.ranOut;
  }

  get ranOut(): boolean {
    return this.#left <= 0;
  }

  stop(now: number): void {
    this.end = Math.min(this.end, now);
  }

  /** How many messages were due at the rate until the end, after the warm-up, but not taken. */
  get missed(): number {
    if (!this.isPaced || this.end === Infinity) return 0;
    const first = Math.max(this.#taken, this.#dueBefore(this.timing.countFrom));
    return Math.min(this.#left, Math.max(0, this.#dueBefore(this.end) - first));
  }

  /** How many messages are due before a time; tolerates rounding. */
  #dueBefore(time: number): number {
    return Math.ceil((time - this.timing.start) / this.timing.interval - 1e-6);
  }
}
