// A TLS connection by Node over a connection of Deno's.
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { node } from "./node.ts";
import type { Stream, TlsSession } from "./stream.ts";
import { subjectOf } from "./untrusted.ts";

/** Sizes of the read buffer, in bytes: large only after reads that fill it, to save memory. */
const SMALL = 4 * 1024;
const LARGE = 64 * 1024;

/**
 * Node's network sockets have no bound on unread input, and lose the end while they are paused
 * (Deno 2.9). So the TLS socket runs over a Duplex that reads from the network only when all
 * earlier input has been taken.
 */
export class TlsStream implements Stream {
  readonly remoteAddr: Deno.Addr;
  /** What the TLS socket runs over. Destroying it closes the connection. */
  readonly transport: Duplex;
  readonly #conn: Stream;
  readonly #secured = Promise.withResolvers<TLSSocket>();
  readonly handshake = this.#secured.promise;
  #chunk = new Uint8Array(SMALL);
  #socket: TLSSocket | undefined;
  readonly #unread: Uint8Array[] = [];
  /** Whether the TLS socket waits for the network. */
  #wanted = false;
  #ended = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  /** @param farewell is sent where the handshake fails */
  constructor(conn: Stream, farewell?: Uint8Array) {
    this.#conn = conn;
    this.remoteAddr = conn.remoteAddr;
    this.handshake.catch(() => {});
    this.transport = new node.Duplex({
      allowHalfOpen: true,
      read: () => this.#want(),
      write: (bytes: Uint8Array, _encoding, done) => this.#send(bytes, done),
      final: (done) => void conn.closeWrite().then(() => done(), () => done()),
      destroy: (error, done) => {
        // Deno starts the write at once, before the close.
        if (this.#socket === undefined && farewell) conn.write(farewell).catch(() => {});
        conn.close();
        if (error !== null) this.fail(error);
        done(error);
      },
    });
    // Reads and writes fail with it as well.
    this.transport.on("error", () => {});
  }

  /** To be called when the handshake is done. */
  secured(socket: TLSSocket): void {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => {
      this.#unread.push(bytes);
      this.#wake?.();
    });
    socket.on("end", () => this.#end());
    socket.on("error", (error) => this.fail(error));
    socket.on("close", () => this.fail(closed()));
    this.#secured.resolve(socket);
  }

  /** Makes reads and writes fail; earlier input can still be read. */
  fail(error: unknown): void {
    this.#failure ??= error;
    this.#secured.reject(error);
    this.#wake?.();
  }

  get session(): TlsSession | undefined {
    const socket = this.#socket;
    return socket && { version: socket.getProtocol() ?? "TLS", subject: subjectOf(socket) };
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#unread.length === 0) {
      if (this.#ended) return null;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    let filled = 0;
    for (let [first] = this.#unread; first && filled < into.length; [first] = this.#unread) {
      const part = first.subarray(0, into.length - filled);
      into.set(part, filled);
      filled += part.length;
      if (part.length < first.length) this.#unread[0] = first.subarray(part.length);
      else this.#unread.shift();
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
    // Nothing was sent before the handshake. A destroyed socket would never call back.
    if (socket === undefined || socket.destroyed) return;
    await new Promise<void>((resolve) => socket.end(resolve));
  }

  close(): void {
    this.fail(closed());
    this.transport.destroy();
    this.#socket?.destroy();
  }

  reset(): void {
    this.#conn.reset?.();
    this.close();
  }

  #want(): void {
    this.#wanted = this.#unread.length > 0;
    if (!this.#wanted) this.receive();
  }

  /** Passes on the next bytes of the peer, or its end. */
  async receive(): Promise<void> {
    try {
      const length = await this.#conn.read(this.#chunk);
      if (length === null) return this.#receiveEnd();
      const bytes = node.Buffer.allocUnsafe(length);
      bytes.set(this.#chunk.subarray(0, length));
      this.transport.push(bytes);
      if (length === this.#chunk.length && length < LARGE) this.#chunk = new Uint8Array(LARGE);
      else if (length <= SMALL && this.#chunk.length > SMALL) this.#chunk = new Uint8Array(SMALL);
    } catch (error) {
      this.transport.destroy(error as Error);
    }
  }

  #receiveEnd(): void {
    this.transport.push(null);
    if (this.#socket !== undefined) return;
    // Node would go on waiting for the handshake.
    this.#end();
    this.transport.destroy();
  }

  #end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  #send(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    this.#conn.write(bytes).then(
      (written) => written === bytes.length ? done() : this.#send(bytes.subarray(written), done),
      done,
    );
  }
}

function closed(): Error {
  return new Deno.errors.Interrupted("the connection was closed");
}
