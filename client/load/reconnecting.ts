// Messages over a connection each.
import { pause } from "../../async/pause.ts";
import { reason } from "../../errors/reason.ts";
import { EndpointError } from "../../net/endpoint.ts";
import type { Stream } from "../../net/stream.ts";
import { type ConnectionEvents, type LoadConnection, RETRY } from "./connection.ts";
import type { LoadErrorKind } from "./result.ts";

/** Opens a connection for every message, and closes it after the answer. */
export class ReconnectingConnection implements LoadConnection, ConnectionEvents {
  readonly #dial: () => Promise<Stream>;
  readonly #over: (conn: Stream) => LoadConnection;
  readonly #fromDue: boolean;
  readonly #events: ConnectionEvents;
  /** The connection of the message under way, or of the next one. */
  #present: LoadConnection | undefined;
  /** When the message under way was due. */
  #due: number | undefined;
  readonly #closed = new AbortController();

  /**
   * @param number that of the connection
   * @param dial opens one
   * @param over makes one that carries messages of it, with these events
   * @param fromDue whether the time to connect is a part of the latency
   */
  constructor(
    readonly number: number,
    dial: () => Promise<Stream>,
    over: (conn: Stream, events: ConnectionEvents) => LoadConnection,
    fromDue: boolean,
    events: ConnectionEvents,
  ) {
    this.#dial = dial;
    this.#over = (conn) => over(conn, this);
    this.#fromDue = fromDue;
    this.#events = events;
  }

  /**
   * Opens the first connection ahead, so that it shows whether there is a server.
   *
   * @throws {EndpointError} where there is none
   */
  async open(): Promise<void> {
    this.#present = this.#over(await this.#dial());
  }

  get isOpen(): boolean {
    return !this.#closed.signal.aborted;
  }

  get underWay(): number {
    return this.#due === undefined ? 0 : 1;
  }

  send(due: number): void {
    this.#due = due;
    if (this.#present === undefined) this.#dialAndSend(due);
    else this.#present.send(this.#fromDue ? due : performance.now());
  }

  async #dialAndSend(due: number): Promise<void> {
    let conn;
    try {
      conn = await this.#dial();
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      const what = reason(error instanceof EndpointError ? error.cause : error);
      this.#events.onError(this, "connect", what);
      await pause(RETRY, this.#closed.signal);
      return this.#failed();
    }
    this.#present = this.#over(conn);
    this.#present.send(this.#fromDue ? due : performance.now());
  }

  checkTimeout(interval: number): void {
    this.#present?.checkTimeout(interval);
  }

  finish(): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  close(): void {
    this.#closed.abort();
    this.#present?.close();
  }

  onAnswer(connection: LoadConnection, _due: number, from: number, now: number): void {
    connection.close();
    this.#present = undefined;
    const due = this.#due ?? from;
    this.#due = undefined;
    this.#events.onAnswer(this, due, from, now);
  }

  onFailure(): void {
    this.#failed();
  }

  onError(_connection: LoadConnection, kind: LoadErrorKind, what: string): void {
    this.#events.onError(this, kind, what);
  }

  onEnd(_connection: LoadConnection, due: readonly number[]): void {
    this.#present = undefined;
    // Not at once: the server may end every connection.
    if (due.length > 0) pause(RETRY, this.#closed.signal).then(() => this.#failed());
  }

  #failed(): void {
    if (this.#due === undefined || this.#closed.signal.aborted) return;
    const due = this.#due;
    this.#due = undefined;
    this.#events.onFailure(this, due);
  }
}
