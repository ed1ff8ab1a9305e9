// The event loop's look at its sockets.

/**
 * Waits for the event loop to look at its sockets.
 *
 * Deno 2.9 does that where there is nothing else to do, and otherwise only now and then: who
 * keeps it busy with immediates or timers that are due keeps sockets that are ready waiting. But
 * a socket cannot be read until it was looked at: hence two that are connected to each other.
 */
export class SocketPoll implements Disposable {
  readonly #one: Deno.Conn;
  readonly #other: Deno.Conn;
  readonly #byte = new Uint8Array(1);

  private constructor(one: Deno.Conn, other: Deno.Conn) {
    this.#one = one;
    this.#other = other;
  }

  /** @throws where this program may not listen on loopback, or has no sockets left */
  static async open(): Promise<SocketPoll> {
    // Asked for first: otherwise Deno would ask whoever sits at the terminal.
    const loopback = { name: "net", host: "127.0.0.1" } as const;
    if (Deno.permissions.querySync(loopback).state !== "granted") {
      throw new Deno.errors.NotCapable("no loopback");
    }
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    try {
      const { port } = listener.addr;
      const [one, other] = await Promise.all([
        Deno.connect({ hostname: "127.0.0.1", port }),
        listener.accept(),
      ]);
      one.setNoDelay(true);
      return new SocketPoll(one, other);
    } finally {
      listener.close();
    }
  }

  /** Waits until all sockets that are ready now were looked at. One at a time may wait. */
  async next(): Promise<void> {
    // The read comes first: one that finds its byte would wait for no look.
    const looked = this.#other.read(this.#byte);
    await this.#one.write(this.#byte);
    await looked;
  }

  [Symbol.dispose](): void {
    this.#one.close();
    this.#other.close();
  }
}
