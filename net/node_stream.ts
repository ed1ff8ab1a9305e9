/**
 * Between connections of Deno's kind and of Node's, for what only Node's TLS
 * can do.
 *
 * @module
 */
import { Duplex } from "node:stream";
import { Change } from "../async/change.ts";
import type { TLSSocket } from "node:tls";
import type { Stream } from "./stream.ts";

/** How much is read from the network at once, in bytes. */
const CHUNK = 64 * 1024;

/**
 * Makes a stream of Node's kind of a connection, for Node's TLS to run over.
 *
 * Node's TLS must not be paused: in Deno 2.9 it then loses the end. So this
 * takes nothing more from the network until what it brought has been read.
 *
 * @param consumed resolves when there is nothing left that waits to be read;
 *   there is nothing to wait for where it returns no promise
 */
export function duplexOf(
  conn: Stream,
  consumed: () => Promise<void> | undefined,
): Duplex {
  const chunk = new Uint8Array(CHUNK);
  async function readSome(): Promise<Uint8Array | null> {
    await consumed();
    const length = await conn.read(chunk);
    return length === null ? null : chunk.slice(0, length);
  }
  async function writeAll(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      written += await conn.write(bytes.subarray(written));
    }
  }
  return new Duplex({
    allowHalfOpen: true,
    read() {
      readSome().then((bytes) => this.push(bytes), (error) => this.destroy(error));
    },
    write(bytes: Uint8Array, _encoding, done) {
      writeAll(bytes).then(() => done(), done);
    },
    final(done) {
      conn.closeWrite().then(() => done(), () => done());
    },
    destroy(error, done) {
      conn.close();
      done(error);
    },
  });
}

/** Reads and writes a TLS socket of Node's as if it were a `Deno.Conn`. */
export class NodeStream implements Stream {
  readonly #socket: TLSSocket;
  /** What came and is not read yet. */
  #arrived: Uint8Array[] = [];
  #ended = false;
  #failure: Error | undefined;
  readonly #change = new Change();
  readonly #consumed = new Change();

  constructor(socket: TLSSocket, readonly remoteAddr: Deno.Addr) {
    this.#socket = socket;
    const announce = () => this.#change.announce();
    socket.on("data", (bytes: Uint8Array) => {
      this.#arrived.push(bytes);
      announce();
    });
    socket.on("end", () => {
      this.#ended = true;
      announce();
    });
    socket.on("error", (error: Error) => {
      this.#failure ??= error;
      announce();
    });
    socket.on("close", announce);
  }

  /** Resolves when all that came has been read. */
  async consumed(): Promise<void> {
    while (this.#arrived.length > 0) await this.#consumed.next;
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const first = this.#arrived[0];
      if (first !== undefined) {
        const bytes = first.subarray(0, into.length);
        into.set(bytes);
        if (bytes.length === first.length) this.#arrived.shift();
        else this.#arrived[0] = first.subarray(bytes.length);
        if (this.#arrived.length === 0) this.#consumed.announce();
        return bytes.length;
      }
      if (this.#ended) return null;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#socket.destroyed) throw new Deno.errors.Interrupted("the connection was closed");
      await this.#change.next;
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
