/**
 * Connections of Node's kind, as the byte path wants them.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { Stream } from "./stream.ts";

/**
 * How much may have arrived and not been read, in bytes. Beyond it the socket
 * is paused, but not earlier: of a paused TLS socket Deno 2.9 loses the end, and
 * only an idle timeout notices that its peer has left.
 */
const MAX_ARRIVED = 16 * 1024 * 1024;

/** Reads and writes a socket of Node as if it were a `Deno.Conn`. */
export class NodeStream implements Stream {
  readonly #socket: Socket;
  /** What came and is not read yet. */
  #arrived: Uint8Array[] = [];
  #length = 0;
  #ended = false;
  #failure: Error | undefined;
  #change = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    const announce = () => {
      this.#change.resolve();
      this.#change = Promise.withResolvers();
    };
    socket.on("data", (bytes: Uint8Array) => {
      this.#arrived.push(bytes);
      this.#length += bytes.length;
      if (this.#length > MAX_ARRIVED) socket.pause();
      announce();
    });
    socket.on("end", () => {
      this.#ended = true;
      announce();
    });
    socket.on("error", (error) => {
      this.#failure = error;
      announce();
    });
    socket.on("close", announce);
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const first = this.#arrived[0];
      if (first !== undefined) {
        const bytes = first.subarray(0, into.length);
        into.set(bytes);
        if (bytes.length === first.length) this.#arrived.shift();
        else this.#arrived[0] = first.subarray(bytes.length);
        this.#length -= bytes.length;
        if (this.#length === 0 && this.#socket.isPaused()) this.#socket.resume();
        return bytes.length;
      }
      if (this.#ended) return null;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#socket.destroyed) throw new Deno.errors.Interrupted("the connection was closed");
      await this.#change.promise;
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve());
    });
    return bytes.length;
  }

  async closeWrite(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.end(resolve));
  }

  close(): void {
    this.#socket.destroy();
  }
}
