// What happens to a connection between accept and the echo, in its own task.
import { reason } from "../errors/reason.ts";
import type { Listener, Stream } from "../net/stream.ts";
import type { Access } from "./access_control.ts";
import type { ServePlan } from "./plan.ts";

/**
 * Prepares a connection for the echo: access control, then TLS. The accept loop does not wait for
 * it. A header of the PROXY protocol would be read first: access control needs its address.
 *
 * @returns the address that entered, and has to leave; undefined for a client that is refused
 */
export async function setUp(
  conn: Stream,
  { endpoint, secure }: Listener,
  { log }: ServePlan,
  access: Access | undefined,
): Promise<{ stream: Stream; client: Deno.Addr } | undefined> {
  const client = conn.remoteAddr;
  let hasEntered = false;
  try {
    if (access !== undefined && !await access.enter(client, endpoint)) return undefined;
    hasEntered = true;
    // The handshake goes on while the echo waits for its first read.
    return { stream: secure?.(conn) ?? conn, client };
  } catch (error) {
    log.warn?.("cannot set up a connection", { error: reason(error) });
    if (hasEntered) access?.leave(client);
    return undefined;
  }
}
