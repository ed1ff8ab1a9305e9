// What the byte path needs of a connection, whatever carries it.
import type { Endpoint } from "./endpoint.ts";

/** A connection over TCP, TLS or a Unix socket. `Deno.Conn` is one. */
export interface Stream
  extends Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close" | "remoteAddr"> {
  /** Ends it with RST, and closes it; there where the listener was to be resettable. */
  reset?(): void;
  /** What the handshake of TLS agreed on, where there was one and it is done. */
  readonly session?: TlsSession;
}

/** What a handshake of TLS agreed on. */
export interface TlsSession {
  /** Its version, such as `TLSv1.3`. */
  readonly version: string;
  /** Whose certificate the peer has shown, escaped; empty where it has shown none. */
  readonly subject: string;
}

/** Something that connections arrive at. */
export interface Listener<E extends Endpoint = Endpoint> {
  /** Where it listens, with the address and port that it has in fact. */
  readonly endpoint: E;
  /** Waits for the next connection; throws for one that failed, and when it is closed. */
  accept(): Promise<Stream>;
  /**
   * Makes what is served of a connection that was accepted: starts the handshake
   * of TLS. Until then nothing was read or sent, and whoever is not welcome can
   * be sent away without one.
   */
  secure?(conn: Stream): Stream;
  close(): void;
}

/** The first of some threads that listen at the same ports, or another one. */
export type Sharing = "first" | "another";

/** How a server listens. */
export interface ListenOptions {
  /** How many connections of TCP wait in the kernel to be accepted; it has its own limit as well. */
  readonly backlog: number;
  /** Permissions of the files of Unix sockets, such as 0o600. */
  readonly socketMode: number;
  /** What `tls://` endpoints need. */
  readonly tls?: Partial<ServerTls>;
  /** Whether connections are to be such that they can be reset. */
  readonly resettable?: boolean;
  /** Which of several threads that listen at the same ports this is, where there are several. */
  readonly sharing?: Sharing;
}

/** What a server shows and asks for on `tls://`; all in PEM. */
export interface ServerTls {
  /** The certificate, with those between it and its authority. */
  readonly cert: string;
  /** The key of the certificate. */
  readonly key: string;
  /** Clients must have a certificate that this authority signed. */
  readonly clientCa?: string;
}

/** What a client shows and trusts on `tls://`; all in PEM. */
export interface ClientTls {
  /** An authority to trust. */
  readonly ca?: string;
  /** The certificate to show, where the server asks for one. */
  readonly cert?: string;
  /** The key of the certificate. */
  readonly key?: string;
  /** The name that the server's certificate is for, where it is not the host. */
  readonly serverName?: string;
  /** Trusts any certificate. */
  readonly insecure?: boolean;
}
