// When messages are due.

/** What a {@linkcode Schedule} follows. Times are in milliseconds, by `performance.now()`. */
export interface Timing {
  /** When the first message is due. */
  readonly start: number;
  /** From when on messages count. */
  readonly countFrom: number;
  /** When to end; Infinity: at the number of messages. */
  readonly end: number;
  /** How many messages that count there are; Infinity: until the end. */
  readonly messages: number;
  /** From one message to the next; 0: whenever one can be sent. */
  readonly interval: number;
}

/**
 * Says when messages are due: at a constant rate, whatever the server does, or whenever there is
 * room for one.
 *
 * At a rate, a message that could not be sent when it was due stays due since then. So a server
 * that stalls shows in the latencies of all the messages that it kept waiting, and not only of
 * those that were under way (what is called coordinated omission).
 */
export class Schedule {
  readonly #timing: Timing;
  #end: number;
  /** How many messages that count are left. */
  #left: number;
  /** How many were taken. */
  #taken = 0;

  constructor(timing: Timing) {
    this.#timing = timing;
    this.#end = timing.end;
    this.#left = timing.messages;
  }

  /** Whether messages are due at a rate. */
  get isPaced(): boolean {
    return this.#timing.interval > 0;
  }

  /** When the next message is due; at a rate only. */
  get next(): number {
    return this.#timing.start + this.#taken * this.#timing.interval;
  }

  /** When there will be no more messages, as far as that is known. */
  get end(): number {
    return this.#end;
  }

  /** Takes the next message; returns when it was due, or undefined where none is. */
  take(now: number): number | undefined {
    if (this.isOver(now)) return undefined;
    const { countFrom } = this.#timing;
    // What the warm-up left behind would take the time of the messages that count.
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
    return now >= this.#end || this.ranOut;
  }

  /** Whether all messages were taken. */
  get ranOut(): boolean {
    return this.#left <= 0;
  }

  stop(now: number): void {
    this.#end = Math.min(this.#end, now);
  }

  /** How many messages that count were due until the end and were not taken; at a rate only. */
  get missed(): number {
    if (!this.isPaced || this.#end === Infinity) return 0;
    const first = Math.max(this.#taken, this.#dueBefore(this.#timing.countFrom));
    return Math.min(this.#left, Math.max(0, this.#dueBefore(this.#end) - first));
  }

  /** How many messages are due before a time. One that only rounding puts there is not. */
  #dueBefore(time: number): number {
    return Math.ceil((time - this.#timing.start) / this.#timing.interval - 1e-6);
  }
}
