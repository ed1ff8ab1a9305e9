// What happens to a connection between accept and the echo, in its own task.
import type { Listener, Stream } from "../net/stream.ts";
import type { Access } from "./access_control.ts";

/**
 * Prepares a connection for the echo: access control, then TLS. However long a
 * client takes here, no other one waits for it.
 *
 * A header before the echo, such as that of the PROXY protocol, would be read
 * first: access control is for the address that it names.
 *
 * @returns what is read and written; undefined for a client that is refused
 */
export async function setUp(
  conn: Stream,
  listener: Listener,
  access: Access | undefined,
): Promise<Stream | undefined> {
  if (access !== undefined && !await access.enter(conn.remoteAddr, listener.endpoint)) return;
  // The handshake goes on while the echo waits for its first read.
  return listener.secure?.(conn) ?? conn;
}
