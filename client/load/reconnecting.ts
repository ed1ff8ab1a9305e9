import { pause } from "../../async/pause.ts";
import type { Stream } from "../../net/stream.ts";
import { type ConnectionEvents, type LoadConnection, RETRY } from "./connection.ts";

/**
 * Opens a connection for every message, and closes it after the answer. The first
 * one is opened ahead, so that it shows whether there is a server.
 *
 * @param over makes one that carries messages of it, with these events
 * @param onFailed is told why one of the others could not be opened
 * @param fromDue whether the time to connect is a part of the latency
 * @throws {EndpointError} where there is no server
 */
export async function reconnecting(
  number: number,
  dial: () => Promise<Stream>,
  over: (conn: Stream, events: ConnectionEvents) => LoadConnection,
  onFailed: (error: unknown) => void,
  fromDue: boolean,
  events: ConnectionEvents,
): Promise<LoadConnection> {
  const closed = new AbortController();
  /** When the message under way was due. */
  let underWay: number | undefined;

  const ownEvents: ConnectionEvents = {
    onAnswer(connection, _due, from, now) {
      connection.close();
      present = undefined;
      const due = underWay ?? from;
      underWay = undefined;
      events.onAnswer(own, due, from, now);
    },
    onFailure: failed,
    onEnd(_connection, due) {
      present = undefined;
      // Not at once: the server may end every connection.
      if (due.length > 0) pause(RETRY, closed.signal).then(failed);
    },
  };

  /** The connection of the message under way, or of the next one. */
  let present: LoadConnection | undefined = over(await dial(), ownEvents);

  async function send(due: number): Promise<void> {
    underWay = due;
    try {
      present ??= over(await dial(), ownEvents);
    } catch (error) {
      if (closed.signal.aborted) return;
      onFailed(error);
      await pause(RETRY, closed.signal);
      return failed();
    }
    present.send(fromDue ? due : performance.now());
  }

  function failed(): void {
    if (underWay === undefined || closed.signal.aborted) return;
    const due = underWay;
    underWay = undefined;
    events.onFailure(own, due);
  }

  function close(): void {
    closed.abort();
    present?.close();
  }

  const own: LoadConnection = {
    number,
    get isOpen() {
      return !closed.signal.aborted;
    },
    get underWay() {
      return underWay === undefined ? 0 : 1;
    },
    send: (due) => void send(due),
    checkTimeout: (interval) => present?.checkTimeout(interval),
    finish: () => Promise.resolve(close()),
    close,
  };
  return own;
}
