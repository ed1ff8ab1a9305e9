/**
 * Messages over a connection each.
 *
 * @module
 */
import { reason } from "../../errors/reason.ts";
import { EndpointError } from "../../net/endpoint_error.ts";
import type { Stream } from "../../net/stream.ts";
import { pause } from "../../async/pause.ts";
import { type Flow, type FlowEvents, RETRY } from "./connection.ts";
import type { LoadErrorKind } from "./result.ts";

/** Opens a connection for every message, and closes it after the answer. */
export class ReconnectingFlow implements Flow, FlowEvents {
  readonly #dial: () => Promise<Stream>;
  readonly #flowOver: (conn: Stream) => Flow;
  readonly #fromDue: boolean;
  readonly #events: FlowEvents;
  /** The connection of the message under way, or of the next one. */
  #flow: Flow | undefined;
  /** When the message under way was due. */
  #due: number | undefined;
  readonly #closed = new AbortController();

  /**
   * @param dial opens a connection
   * @param flowOver makes a flow of it, with these events
   * @param fromDue whether the time to connect is a part of the latency
   */
  constructor(
    dial: () => Promise<Stream>,
    flowOver: (conn: Stream, events: FlowEvents) => Flow,
    fromDue: boolean,
    events: FlowEvents,
  ) {
    this.#dial = dial;
    this.#flowOver = (conn) => flowOver(conn, this);
    this.#fromDue = fromDue;
    this.#events = events;
  }

  /**
   * Opens the first connection ahead, so that it shows whether there is a server.
   *
   * @throws {EndpointError} where there is none
   */
  async open(): Promise<void> {
    this.#flow = this.#flowOver(await this.#dial());
  }

  get isOpen(): boolean {
    return !this.#closed.signal.aborted;
  }

  get underWay(): number {
    return this.#due === undefined ? 0 : 1;
  }

  send(due: number): void {
    this.#due = due;
    if (this.#flow === undefined) this.#dialAndSend(due);
    else this.#flow.send(this.#fromDue ? due : performance.now());
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
    this.#flow = this.#flowOver(conn);
    this.#flow.send(this.#fromDue ? due : performance.now());
  }

  look(): void {
    this.#flow?.look();
  }

  finish(): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  close(): void {
    this.#closed.abort();
    this.#flow?.close();
  }

  onAnswer(flow: Flow, _due: number, from: number, now: number): void {
    flow.close();
    this.#flow = undefined;
    const due = this.#due ?? from;
    this.#due = undefined;
    this.#events.onAnswer(this, due, from, now);
  }

  onFailure(): void {
    this.#failed();
  }

  onError(_flow: Flow, kind: LoadErrorKind, what: string): void {
    this.#events.onError(this, kind, what);
  }

  onEnd(_flow: Flow, due: readonly number[]): void {
    this.#flow = undefined;
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
