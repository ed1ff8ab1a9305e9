/**
 * A TLS connection by Node, over a connection of Deno's, read and written as
 * if it were one of Deno's.
 *
 * @module
 */
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Stream } from "./stream.ts";

/**
 * How much is read from the network at once, in bytes: little at first, so that
 * idle connections cost little, and more where a read has filled that.
 */
const SMALL = 4 * 1024;
const LARGE = 64 * 1024;

/**
 * What stands between the network and a TLS socket of Node's.
 *
 * Node's own sockets read on while nobody takes what they brought, and one that
 * is paused loses the end (Deno 2.9). So the TLS socket runs over a stream that
 * takes nothing more from the network until what it brought has been read.
 */
export class TlsStream implements Stream {
  readonly remoteAddr: Deno.Addr;
  /** What the TLS socket runs over. To destroy it closes the connection, at any time. */
  readonly transport: Duplex;
  /** Resolves when the handshake is done; rejects with what it failed with. */
  readonly handshake: Promise<TLSSocket>;
  readonly #conn: Stream;
  readonly #secured = Promise.withResolvers<TLSSocket>();
  #chunk = new Uint8Array(SMALL);
  #socket: TLSSocket | undefined;
  /** What came and is not read yet. */
  readonly #arrived: Uint8Array[] = [];
  /** Whether the TLS socket waits for more from the network. */
  #wanted = false;
  #ended = false;
  #failure: unknown;
  /** Wakes the read that waits. */
  #wake: (() => void) | undefined;

  constructor(conn: Stream) {
    this.#conn = conn;
    this.remoteAddr = conn.remoteAddr;
    this.handshake = this.#secured.promise;
    this.handshake.catch(() => {});
    this.transport = new Duplex({
      allowHalfOpen: true,
      read: () => this.#want(),
      write: (bytes: Uint8Array, _encoding, done) =>
        void this.#send(bytes).then(() => done(), done),
      final: (done) => void conn.closeWrite().then(() => done(), () => done()),
      destroy: (error, done) => {
        conn.close();
        if (error !== null) this.fail(error);
        done(error);
      },
    });
  }

  /** The handshake is done. */
  secured(socket: TLSSocket): void {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => {
      this.#arrived.push(bytes);
      this.#wakeUp();
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#wakeUp();
    });
    socket.on("error", (error) => this.fail(error));
    socket.on("close", () => this.fail(closed()));
    this.#secured.resolve(socket);
  }

  /** It can be used no more; what came before can still be read. */
  fail(error: unknown): void {
    this.#failure ??= error;
    this.#secured.reject(error);
    this.#wakeUp();
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#arrived.length === 0) {
      if (this.#ended) return null;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    let filled = 0;
    for (let [first] = this.#arrived; first !== undefined; [first] = this.#arrived) {
      const part = first.subarray(0, into.length - filled);
      if (part.length === 0) return filled;
      into.set(part, filled);
      filled += part.length;
      if (part.length === first.length) this.#arrived.shift();
      else this.#arrived[0] = first.subarray(part.length);
    }
    if (this.#wanted) this.#want();
    return filled;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const socket = this.#socket ?? await this.handshake;
    await new Promise<void>((resolve, reject) => {
      socket.write(bytes, (error) => error ? reject(error) : resolve());
    });
    return bytes.length;
  }

  async closeWrite(): Promise<void> {
    const socket = this.#socket ?? await this.handshake;
    await new Promise<void>((resolve) => socket.end(resolve));
  }

  close(): void {
    this.fail(closed());
    this.transport.destroy();
    this.#socket?.destroy();
  }

  /** Reads more from the network, as soon as all that came has been read. */
  #want(): void {
    this.#wanted = this.#arrived.length > 0;
    if (!this.#wanted) this.#conn.read(this.#chunk).then(this.#receive, this.#lose);
  }

  readonly #receive = (length: number | null): void => {
    this.transport.push(length === null ? null : this.#chunk.slice(0, length));
    if (length === null) {
      // Node would wait for the rest of the handshake.
      if (this.#socket === undefined) this.transport.destroy();
      return;
    }
    if (length === this.#chunk.length && length < LARGE) this.#chunk = new Uint8Array(LARGE);
    else if (length <= SMALL && this.#chunk.length > SMALL) this.#chunk = new Uint8Array(SMALL);
  };

  readonly #lose = (error: Error): void => void this.transport.destroy(error);

  async #send(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      written += await this.#conn.write(bytes.subarray(written));
    }
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

function closed(): Error {
  return new Deno.errors.Interrupted("the connection was closed");
}
