// Accepts connections; what waits for a client runs in the connection's own task.
import { onAbort, pause } from "../async/pause.ts";
import { errorCode, reason } from "../errors/reason.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import type { Listener } from "../net/stream.ts";
import type { ConnectionLimit } from "./connection_limit.ts";
import type { ConnectionSet } from "./connection_set.ts";
import type { Log } from "./log.ts";

/** Errors of accept(2) that last until something is released. */
const SHORTAGES = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

/** The pause after such an error, in milliseconds. */
const SHORTAGE_PAUSE = 100;

/** From one log line about them to the next, in milliseconds. */
const SHORTAGE_REMINDER = 60_000;

/** Within this time the event loop polls the listener, in milliseconds. */
const POLL = 10;

/** More than an accept takes that finds a client. */
const MICROTASKS = 50;

/** The most connections that are accepted after a stop: more than the kernel's queue holds. */
const QUEUE = 1024;

/**
 * Accepts connections within the limit until the server stops, then those that wait in the
 * kernel's queue: closing the listener would reset them. No error ends the loop before that
 * (docs/development.md, "The byte path", rule 5).
 */
export async function acceptFrom(
  listener: Listener,
  connections: Pick<ConnectionSet, "serve" | "isCrowded" | "catchUp">,
  limit: ConnectionLimit,
  log: Log,
  stopping: AbortSignal,
): Promise<void> {
  const endpoint = formatEndpoint(listener.endpoint);
  let reminded = -Infinity;
  let queued = QUEUE;
  // Unless the pending call of accept finds a client.
  let closing: ReturnType<typeof setTimeout> | undefined;
  onAbort(stopping, () => closing = setTimeout(() => listener.close(), POLL));
  for (;;) {
    if (limit.isFull) await limit.available();
    if (connections.isCrowded) await connections.catchUp();
    try {
      if (closing !== undefined) clearTimeout(closing);
      const accepting = listener.accept();
      if (stopping.aborted && (queued-- === 0 || !await isDone(accepting))) listener.close();
      const conn = await accepting;
      if (closing !== undefined) clearTimeout(closing);
      if (limit.tryAcquire() || await limit.acquire()) {
        connections.serve(conn, listener).then(() => limit.release());
      } else conn.close();
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      if (!SHORTAGES.has(errorCode(error) ?? "")) {
        log.debug?.("cannot accept a connection", { endpoint, error: reason(error) });
        continue;
      }
      // Connections that end may be what is needed, and they end in the drain.
      if (stopping.aborted) return listener.close();
      if (performance.now() - reminded > SHORTAGE_REMINDER) {
        reminded = performance.now();
        log.warn?.("cannot accept connections for now", { endpoint, error: reason(error) });
      }
      await pause(SHORTAGE_PAUSE);
    }
  }
}

/** Whether a promise is settled before anything else happens: accept finds a waiting client at once. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let isDone = false;
  promise.catch(() => {}).finally(() => isDone = true);
  for (let i = 0; i < MICROTASKS && !isDone; i++) await undefined;
  return isDone;
}
