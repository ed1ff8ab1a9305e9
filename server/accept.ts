// Accepting connections.
import { pause } from "../async/pause.ts";
import { errorCode, reason } from "../errors/reason.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import type { Listener } from "../net/stream.ts";
import type { Access } from "./access_control.ts";
import type { Connections } from "./connections.ts";
import type { Log } from "./log.ts";
import type { ConnectionLimit } from "./connection_limit.ts";

/** Errors of accept(2) that last until something is released, and would be met again at once. */
const SHORTAGES = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

/** How long to leave a listener alone when the system is short of something, in milliseconds. */
const SHORTAGE_PAUSE = 100;

/** A shortage that goes on is logged again after this long, in milliseconds. */
const SHORTAGE_REMINDER = 60_000;

/**
 * Accepts connections, where there is room for them, until the server stops and
 * the listener is closed. An error of accept concerns one connection, or all
 * for a while, but never the listener: only closing that ends the loop
 * (docs/architecture.md, "The byte path", rule 5).
 */
export async function acceptFrom(
  listener: Listener,
  connections: Connections,
  limit: ConnectionLimit,
  access: Access | undefined,
  log: Log,
  stopping: AbortSignal,
): Promise<void> {
  const endpoint = formatEndpoint(listener.endpoint);
  let reminded = -Infinity;
  while (!stopping.aborted) {
    if (limit.isFull) log.debug?.("full: others wait", { endpoint, connections: limit.open });
    while (limit.isFull) await limit.available();
    await connections.catchUp();
    try {
      const conn = await listener.accept();
      const isWelcome = access === undefined ||
        await access.enter(conn.remoteAddr, listener.endpoint);
      let number = isWelcome ? limit.acquire() : undefined;
      // Another listener or thread may have taken the last place meanwhile.
      while (isWelcome && number === undefined && !stopping.aborted) {
        await limit.available();
        number = limit.acquire();
      }
      if (number === undefined) {
        conn.close();
        continue;
      }
      const stream = listener.secure?.(conn) ?? conn;
      connections.serve(number, stream, listener.endpoint).then(() => {
        limit.release();
        access?.leave(conn.remoteAddr);
      });
    } catch (error) {
      if (stopping.aborted) return;
      if (!SHORTAGES.has(errorCode(error) ?? "")) {
        log.debug?.("not accepted", { endpoint, error: reason(error) });
        continue;
      }
      if (performance.now() - reminded > SHORTAGE_REMINDER) {
        reminded = performance.now();
        log.warn?.("cannot accept for now", { endpoint, error: reason(error) });
      }
      await pause(SHORTAGE_PAUSE);
    }
  }
}
