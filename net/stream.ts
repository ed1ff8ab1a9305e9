/**
 * What the byte path needs of a connection, whatever carries it.
 *
 * @module
 */

/** A connection over TCP, TLS or a Unix socket. `Deno.Conn` is one. */
export type Stream = Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close">;
