/**
 * Fairness among many connections.
 *
 * @module
 */

/** With no more connections than this there is no need for turns. */
export const FEW = 100;

/**
 * How many may read in a turn: with as many writes, this is what one turn of
 * the event loop lets succeed (128, tokio's cooperative budget).
 */
const READS = 64;

/**
 * Lets the readers of many connections take turns.
 *
 * In Deno 2.9, reads and writes beyond 128 a turn of the event loop have to
 * wait, and those that were served can be ready again before the others are
 * looked at: of several hundred busy connections the same ones are served over
 * and over, and the rest waits for seconds. So everybody waits here before a
 * read, and only so many are let through until the event loop has really
 * looked at its sockets. That it does for a socket only, not for a timer that
 * is due or a task: hence the two that are connected to each other.
 */
export class ReadTurns {
  readonly #one: Deno.Conn;
  readonly #other: Deno.Conn;
  /** Who waits, from `#first` on. */
  #waiting: (() => void)[] = [];
  #first = 0;
  #running = false;
  #closed = false;

  private constructor(one: Deno.Conn, other: Deno.Conn) {
    this.#one = one;
    this.#other = other;
  }

  /** Opens them; undefined where this program may not listen on loopback. */
  static async open(): Promise<ReadTurns | undefined> {
    let listener: Deno.TcpListener | undefined;
    try {
      listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = listener.addr;
      const one = await Deno.connect({ hostname: "127.0.0.1", port });
      one.setNoDelay(true);
      return new ReadTurns(one, await listener.accept());
    } catch {
      return undefined;
    } finally {
      listener?.close();
    }
  }

  /** Waits for a turn to read. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#running) this.#run();
    });
  }

  /** Lets everybody through and ends. */
  close(): void {
    this.#closed = true;
    this.#one.close();
    this.#other.close();
    for (const pass of this.#waiting.splice(0)) pass();
  }

  async #run(): Promise<void> {
    const byte = new Uint8Array(1);
    this.#running = true;
    while (this.#waiting.length > 0 && !this.#closed) {
      try {
        // The read comes first: one that finds its byte waits for no look.
        const looked = this.#other.read(byte);
        await this.#one.write(byte);
        await looked;
      } catch {
        break; // It was closed.
      }
      const end = Math.min(this.#first + READS, this.#waiting.length);
      while (this.#first < end) this.#waiting[this.#first++]?.();
      if (this.#first < this.#waiting.length && this.#first < 10_000) continue;
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    this.#running = false;
  }
}
