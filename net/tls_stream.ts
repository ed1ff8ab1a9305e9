/**
 * A TLS connection by Node, over a connection of Deno's, read and written as
 * if it were one of Deno's.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Stream, TlsSession } from "./stream.ts";
import { subjectOf } from "./untrusted.ts";

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

  /** @param farewell what is sent to a peer whose handshake comes to nothing */
  constructor(conn: Stream, farewell?: Uint8Array) {
    this.#conn = conn;
    this.remoteAddr = conn.remoteAddr;
    this.handshake = this.#secured.promise;
    this.handshake.catch(() => {});
    this.transport = new Duplex({
      allowHalfOpen: true,
      read: () => this.#want(),
      write: (bytes: Uint8Array, _encoding, done) => this.#send(bytes, done),
      final: (done) => void conn.closeWrite().then(() => done(), () => done()),
      destroy: (error, done) => {
        // What Deno is given to write it tries to write at once.
        if (this.#socket === undefined && farewell) conn.write(farewell).catch(() => {});
        conn.close();
        if (error !== null) this.fail(error);
        done(error);
      },
    });
    // The next read or write throws it.
    this.transport.on("error", () => {});
  }

  /** Waits for the first bytes of the peer, or for its end, and gives them to the transport. */
  firstBytes(): Promise<void> {
    return this.#conn.read(this.#chunk).then(this.#receive, this.#lose);
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

  get session(): TlsSession | undefined {
    const socket = this.#socket;
    if (socket === undefined) return undefined;
    return { version: socket.getProtocol() ?? "TLS", subject: subjectOf(socket) };
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#arrived.length === 0) {
      if (this.#ended) return null;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    let filled = 0;
    for (let [first] = this.#arrived; first && filled < into.length; [first] = this.#arrived) {
      const part = first.subarray(0, into.length - filled);
      into.set(part, filled);
      filled += part.length;
      if (part.length < first.length) this.#arrived[0] = first.subarray(part.length);
      else this.#arrived.shift();
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
    const socket = this.#socket;
    // Before the handshake is done nothing can have been sent. One that is closed would never answer.
    if (socket === undefined || socket.destroyed) return;
    await new Promise<void>((resolve) => socket.end(resolve));
  }

  close(): void {
    this.fail(closed());
    this.transport.destroy();
    this.#socket?.destroy();
  }

  reset(): void {
    this.fail(closed());
    this.#conn.reset?.();
    this.close();
  }

  /** Reads more from the network, as soon as all that came has been read. */
  #want(): void {
    this.#wanted = this.#arrived.length > 0;
    if (!this.#wanted) this.#conn.read(this.#chunk).then(this.#receive, this.#lose);
  }

  readonly #receive = (length: number | null): void => {
    if (length === null) {
      this.transport.push(null);
      if (this.#socket !== undefined) return;
      // Node would wait for the rest of the handshake.
      this.#ended = true;
      this.#wakeUp();
      this.transport.destroy();
      return;
    }
    const bytes = Buffer.allocUnsafe(length);
    bytes.set(this.#chunk.subarray(0, length));
    this.transport.push(bytes);
    if (length === this.#chunk.length && length < LARGE) this.#chunk = new Uint8Array(LARGE);
    else if (length <= SMALL && this.#chunk.length > SMALL) this.#chunk = new Uint8Array(SMALL);
  };

  readonly #lose = (error: Error): void => void this.transport.destroy(error);

  #send(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    this.#conn.write(bytes).then(
      (written) => written === bytes.length ? done() : this.#send(bytes.subarray(written), done),
      done,
    );
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

function closed(): Error {
  return new Deno.errors.Interrupted("the connection was closed");
}
