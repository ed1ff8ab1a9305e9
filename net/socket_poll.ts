/**
 * Deno 2.9 polls when idle, and otherwise only now and then: immediates and due timers keep ready
 * sockets waiting. A socket cannot be read until it was polled, so this sends itself a byte.
 */
export class SocketPoll implements Disposable {
  readonly #byte = new Uint8Array(1);

  private constructor(private readonly sender: Deno.Conn, private readonly receiver: Deno.Conn) {}

  /** @throws where this program may not listen on loopback, or has no sockets left */
  static async open(): Promise<SocketPoll> {
    // Otherwise Deno would prompt for the permission on a terminal.
    const loopback = { name: "net", host: "127.0.0.1" } as const;
    if (Deno.permissions.querySync(loopback).state !== "granted") {
      throw new Deno.errors.NotCapable("no loopback");
    }
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    try {
      const { port } = listener.addr;
      const [sender, receiver] = await Promise.all([
        Deno.connect({ hostname: "127.0.0.1", port }),
        listener.accept(),
      ]);
      sender.setNoDelay(true);
      return new SocketPoll(sender, receiver);
    } finally {
      listener.close();
    }
  }

  /** Waits until all sockets that are ready now were polled. One call at a time. */
  async next(): Promise<void> {
    // The read comes first: a read that finds its byte does not wait for a poll.
    const polled = this.receiver.read(this.#byte);
    await this.sender.write(this.#byte);
    await polled;
  }

  [Symbol.dispose](): void {
    this.sender.close();
    this.receiver.close();
  }
}
