// The limit on connections of a server, over all its threads.
import { onAbort } from "../async/pause.ts";

/** Where the numbers are in the memory that threads share. */
const OPEN = 0;
const FULL = 1;
const SERVING = 2;

/** Bytes of that memory: three numbers of 32 bits, and, where it is aligned, one of 64. */
const MEMORY = 24;

/** Counts connections, and limits how many are open. */
export class ConnectionLimit {
  /** Makes the same {@linkcode ConnectionLimit} in another thread. */
  readonly memory: SharedArrayBuffer;
  readonly #most: number;
  readonly #stopping: AbortSignal;
  readonly #numbers: Int32Array;
  readonly #served: BigInt64Array;

  /**
   * @param most how many may be open; 0: no limit
   * @param stopping ends all waiting
   */
  constructor(most: number, stopping: AbortSignal, memory = new SharedArrayBuffer(MEMORY)) {
    this.memory = memory;
    this.#most = most;
    this.#stopping = stopping;
    this.#numbers = new Int32Array(memory, 0, 3);
    this.#served = new BigInt64Array(memory, 16, 1);
    onAbort(stopping, () => this.#wake());
  }

  /** How many connections were served so far. */
  get served(): number {
    return Number(Atomics.load(this.#served, 0));
  }

  /** How many are open. */
  get open(): number {
    return Atomics.load(this.#numbers, OPEN);
  }

  /** How often the limit was reached. */
  get full(): number {
    return Atomics.load(this.#numbers, FULL);
  }

  /** Whether another has to wait until one ends. */
  get isFull(): boolean {
    return this.#most > 0 && this.open >= this.#most && !this.#stopping.aborted;
  }

  /** Waits until one may be acquired, or the server stops. Others may wait for the same one. */
  async available(): Promise<void> {
    while (this.isFull) await Atomics.waitAsync(this.#numbers, OPEN, this.#most).value;
  }

  /** Opens a connection, as soon as there may be one more; false if the server stops before. */
  async acquire(): Promise<boolean> {
    while (!this.#tryAcquire()) {
      if (this.#stopping.aborted) return false;
      await this.available();
    }
    return true;
  }

  #tryAcquire(): boolean {
    for (;;) {
      const { open } = this;
      if (this.#most > 0 && open >= this.#most) return false;
      // Another thread may have acquired it meanwhile.
      if (Atomics.compareExchange(this.#numbers, OPEN, open, open + 1) === open) return true;
    }
  }

  /** A connection is not refused, and is served from now on; returns its number, from 1 on. */
  begin(): number {
    const serving = Atomics.add(this.#numbers, SERVING, 1) + 1;
    if (serving === this.#most) Atomics.add(this.#numbers, FULL, 1);
    return Number(Atomics.add(this.#served, 0, 1n)) + 1;
  }

  /** A connection that was served has ended. */
  end(): void {
    Atomics.sub(this.#numbers, SERVING, 1);
  }

  /** A connection is closed, served or refused. */
  release(): void {
    Atomics.sub(this.#numbers, OPEN, 1);
    if (this.#most > 0) this.#wake();
  }

  #wake(): void {
    Atomics.notify(this.#numbers, OPEN);
  }
}
