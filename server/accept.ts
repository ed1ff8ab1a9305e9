// Accepts connections; what waits for a client runs in the connection's own task.
import { pause } from "../async/pause.ts";
import { errorCode, reason } from "../errors/reason.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import type { Listener } from "../net/stream.ts";
import type { ConnectionLimit } from "./connection_limit.ts";
import type { Connections } from "./connections.ts";
import type { Log } from "./log.ts";

/** Errors of accept(2) that last until something is released. */
const SHORTAGES = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

/** The pause after such an error, in milliseconds. */
const SHORTAGE_PAUSE = 100;

/** From one log line about them to the next, in milliseconds. */
const SHORTAGE_REMINDER = 60_000;

/**
 * Accepts connections within the limit, until the server stops and the listener is closed. No
 * other error ends the loop (docs/development.md, "The byte path", rule 5).
 */
export async function acceptFrom(
  listener: Listener,
  connections: Pick<Connections, "serve" | "catchUp">,
  limit: ConnectionLimit,
  log: Log,
  stopping: AbortSignal,
): Promise<void> {
  const endpoint = formatEndpoint(listener.endpoint);
  let reminded = -Infinity;
  while (!stopping.aborted) {
    if (limit.isFull) log.debug?.("full: others wait", { endpoint, connections: limit.open });
    await limit.available();
    await connections.catchUp();
    try {
      const conn = await listener.accept();
      if (await limit.acquire()) connections.serve(conn, listener).then(() => limit.release());
      else conn.close();
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
