// The places for connections of a server.
import { onAbort } from "../async/pause.ts";

/** Where the numbers are in the memory that threads share. */
const OPEN = 0;
const FULL = 1;

/** Bytes of that memory: two numbers of 32 bits, and one of 64. */
const MEMORY = 16;

/** Counts connections, and gives them places, over all the threads of a server. */
export class Places {
  /** Makes {@linkcode Places} in another thread that are the same ones. */
  readonly memory: SharedArrayBuffer;
  readonly #most: number;
  readonly #stopping: AbortSignal;
  readonly #numbers: Int32Array;
  readonly #accepted: BigInt64Array;

  /**
   * @param most how many there are; 0: as many as are wanted
   * @param stopping is aborted when nobody needs one any more
   */
  constructor(most: number, stopping: AbortSignal, memory = new SharedArrayBuffer(MEMORY)) {
    this.memory = memory;
    this.#most = most;
    this.#stopping = stopping;
    this.#numbers = new Int32Array(memory, 0, 2);
    this.#accepted = new BigInt64Array(memory, 8, 1);
    onAbort(stopping, () => this.#wake());
  }

  /** How many connections there were. */
  get accepted(): number {
    return Number(Atomics.load(this.#accepted, 0));
  }

  /** How many there are. */
  get open(): number {
    return Atomics.load(this.#numbers, OPEN);
  }

  /** How often the last place was taken. */
  get full(): number {
    return Atomics.load(this.#numbers, FULL);
  }

  /** Whether one more has to wait until another has ended. */
  get isFull(): boolean {
    return this.#most > 0 && this.open >= this.#most && !this.#stopping.aborted;
  }

  /** Waits until one has ended, or the server stops. Others may wait for the same one. */
  async room(): Promise<void> {
    const { open } = this;
    if (this.isFull) await Atomics.waitAsync(this.#numbers, OPEN, open).value;
  }

  /**
   * Takes a place.
   *
   * @returns the number of the connection, from 1 on; undefined where there is no room
   */
  take(): number | undefined {
    for (;;) {
      const { open } = this;
      if (this.#most > 0 && open >= this.#most) return undefined;
      // Another thread may have taken it meanwhile.
      if (Atomics.compareExchange(this.#numbers, OPEN, open, open + 1) !== open) continue;
      if (open + 1 === this.#most) Atomics.add(this.#numbers, FULL, 1);
      return Number(Atomics.add(this.#accepted, 0, 1n)) + 1;
    }
  }

  /** Gives a place back: a connection has ended. */
  leave(): void {
    Atomics.sub(this.#numbers, OPEN, 1);
    if (this.#most > 0) this.#wake();
  }

  #wake(): void {
    Atomics.notify(this.#numbers, OPEN);
  }
}
