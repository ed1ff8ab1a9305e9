// The limit on connections of a server, over all its threads.
import { onAbort } from "../async/pause.ts";

/** Indices of numbers in shared memory. */
const OPEN = 0;
const FULL = 1;
const SERVING = 2;

/** Bytes of shared memory: three numbers of 32 bits, padding, and one of 64 bits. */
const MEMORY = 24;

/** Counts connections, and limits how many are open. */
export class ConnectionLimit {
  readonly #numbers: Int32Array;
  readonly #served: BigInt64Array;

  /**
   * @param most how many may be open; 0: no limit
   * @param stopping ends all waiting
   * @param memory that of the same limit in another thread
   */
  constructor(
    private readonly most: number,
    private readonly stopping: AbortSignal,
    readonly memory = new SharedArrayBuffer(MEMORY),
  ) {
    this.#numbers = new Int32Array(memory, 0, 3);
    this.#served = new BigInt64Array(memory, 16, 1);
    onAbort(stopping, () => this.#wake());
  }

  get served(): number {
    return Number(Atomics.load(this.#served, 0));
  }

  get open(): number {
    return Atomics.load(this.#numbers, OPEN);
  }

  /** How often the limit was reached. */
  get full(): number {
    return Atomics.load(this.#numbers, FULL);
  }

  get isFull(): boolean {
    return this.most > 0 && this.open >= this.most && !this.stopping.aborted;
  }

  /** Waits until one can be acquired, though another caller may be first, or the server stops. */
  async available(): Promise<void> {
    while (this.isFull) await Atomics.waitAsync(this.#numbers, OPEN, this.most).value;
  }

  /** Opens a connection, waiting while the limit is reached; false if the server stops. */
  async acquire(): Promise<boolean> {
    for (;;) {
      const { open } = this;
      if (this.most === 0 || open < this.most) {
        // Fails if another thread was faster.
        if (Atomics.compareExchange(this.#numbers, OPEN, open, open + 1) === open) return true;
      } else if (this.stopping.aborted) return false;
      else await this.available();
    }
  }

  /** Counts an open connection as served, not refused; returns its number, from 1 on. */
  begin(): number {
    const serving = Atomics.add(this.#numbers, SERVING, 1) + 1;
    if (serving === this.most) Atomics.add(this.#numbers, FULL, 1);
    return Number(Atomics.add(this.#served, 0, 1n)) + 1;
  }

  /** Ends what `begin` began. */
  end(): void {
    Atomics.sub(this.#numbers, SERVING, 1);
  }

  /** Closes a connection, served or refused. */
  release(): void {
    Atomics.sub(this.#numbers, OPEN, 1);
    if (this.most > 0) this.#wake();
  }

  #wake(): void {
    Atomics.notify(this.#numbers, OPEN);
  }
}
