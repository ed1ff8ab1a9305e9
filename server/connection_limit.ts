// The limit on connections of a server, over all its threads.
import { onAbort } from "../async/pause.ts";

/** Counts connections, and limits how many are open. */
export class ConnectionLimit {
  readonly #open: Int32Array;
  readonly #served: BigInt64Array;

  /**
   * @param most how many may be open; 0: no limit
   * @param stopping ends all waiting
   * @param memory that of the same limit in another thread
   */
  constructor(
    private readonly most: number,
    private readonly stopping: AbortSignal,
    readonly memory = new SharedArrayBuffer(16),
  ) {
    this.#open = new Int32Array(memory, 0, 1);
    this.#served = new BigInt64Array(memory, 8, 1);
    onAbort(stopping, () => this.#wake());
  }

  get served(): number {
    return Number(Atomics.load(this.#served, 0));
  }

  get open(): number {
    return Atomics.load(this.#open, 0);
  }

  get isFull(): boolean {
    return this.most > 0 && this.open >= this.most;
  }

  /** Waits until one can be acquired, though another caller may be first, or the server stops. */
  async available(): Promise<void> {
    while (this.isFull && !this.stopping.aborted) {
      await Atomics.waitAsync(this.#open, 0, this.most).value;
    }
  }

  /** Opens a connection, unless the limit is reached. */
  tryAcquire(): boolean {
    const before = Atomics.add(this.#open, 0, 1);
    if (this.most === 0 || before < this.most) return true;
    this.release();
    return false;
  }

  /** Opens a connection, waiting while the limit is reached; false if the server stops. */
  async acquire(): Promise<boolean> {
    while (!this.tryAcquire()) {
      if (this.stopping.aborted) return false;
      await this.available();
    }
    return true;
  }

  /** Closes a connection, served or refused. */
  release(): void {
    Atomics.sub(this.#open, 0, 1);
    if (this.most > 0) this.#wake();
  }

  /** Counts a connection as served, not refused; returns its number, from 1 on. */
  serve(): number {
    return Number(Atomics.add(this.#served, 0, 1n)) + 1;
  }

  #wake(): void {
    Atomics.notify(this.#open, 0);
  }
}
