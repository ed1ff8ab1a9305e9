// Connections as the byte path sees them, and how a server listens for them.
import type { Endpoint } from "./endpoint.ts";

/** A connection over TCP, TLS or a Unix socket. `Deno.Conn` is one. */
export interface Stream
  extends Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close" | "remoteAddr"> {
  /** Closes it with RST; only where the listener was `resettable`. */
  reset?(): void;
  /** Set when a TLS handshake is done. */
  readonly session?: TlsSession;
}

/** What a TLS handshake agreed on. */
export interface TlsSession {
  /** The version, such as `TLSv1.3`. */
  readonly version: string;
  /** The subject of the peer's certificate, escaped; empty without a certificate. */
  readonly subject: string;
}

export interface Listener<E extends Endpoint = Endpoint> {
  /** Where it listens, with the bound address and port. */
  readonly endpoint: E;
  /** Throws for a connection that failed, and when the listener is closed. */
  accept(): Promise<Stream>;
  /** Starts the TLS handshake; an accepted connection can be refused without one. */
  secure?(conn: Stream): Stream;
  close(): void;
}

/** How many TCP connections wait in the kernel to be accepted; the kernel has a limit as well. */
export const BACKLOG = 1024;

/** How a server listens. */
export interface ListenOptions {
  /** Permissions of the files of Unix sockets, such as 0o600. */
  readonly socketMode: number;
  /** Required by `tls://`. */
  readonly tls?: Partial<ServerTls>;
  /** Whether connections have `reset`. */
  readonly resettable?: boolean;
  /** Set where several threads listen on the same ports: the first of them, or another one. */
  readonly sharing?: "first" | "another";
}

/** TLS settings of a server, in PEM. */
export interface ServerTls {
  /** The certificate, and intermediate ones. */
  readonly cert: string;
  /** The key of the certificate. */
  readonly key: string;
  /** Requires client certificates that this CA signed. */
  readonly clientCa?: string;
}

export async function writeAll(to: Pick<Stream, "write">, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await to.write(bytes.subarray(written));
  }
}
