/**
 * Messages over a connection each.
 *
 * @module
 */
import { EndpointError, reason } from "../net/error.ts";
import { pause } from "../pause.ts";
import type { LoadErrorKind } from "../report/results.ts";
import type { Flow, FlowEvents } from "./flow.ts";

/** How long to wait after a connection that could not be opened, in milliseconds. */
const RETRY = 100;

/** Opens a connection for every message, and closes it after the answer. */
export class ReconnectingFlow implements Flow, FlowEvents {
  readonly #open: (events: FlowEvents) => Promise<Flow>;
  readonly #fromDue: boolean;
  readonly #events: FlowEvents;
  #flow: Flow | undefined;
  #underWay = 0;
  readonly #closed = new AbortController();

  /**
   * @param open opens a connection
   * @param fromDue whether the time to connect is a part of the latency
   */
  constructor(
    open: (events: FlowEvents) => Promise<Flow>,
    fromDue: boolean,
    events: FlowEvents,
  ) {
    this.#open = open;
    this.#fromDue = fromDue;
    this.#events = events;
  }

  /** Opens the first connection ahead, so that it shows whether there is a server. */
  async open(): Promise<void> {
    this.#flow = await this.#open(this);
  }

  get underWay(): number {
    return this.#underWay;
  }

  send(due: number): void {
    this.#underWay = 1;
    this.#exchange(due);
  }

  async #exchange(due: number): Promise<void> {
    try {
      this.#flow ??= await this.#open(this);
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      const what = reason(error instanceof EndpointError ? error.cause : error);
      this.#events.onError(this, "connect", what);
      await pause(RETRY, this.#closed.signal);
      this.#underWay = 0;
      return this.#events.onFailure(this, due);
    }
    if (this.#closed.signal.aborted) return this.#flow.close();
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

  onAnswer(flow: Flow, due: number, now: number): void {
    flow.close();
    this.#flow = undefined;
    this.#underWay = 0;
    this.#events.onAnswer(this, due, now);
  }

  onFailure(_flow: Flow, due: number): void {
    this.#events.onFailure(this, due);
  }

  onError(_flow: Flow, kind: LoadErrorKind, what: string): void {
    this.#events.onError(this, kind, what);
  }

  onEnd(_flow: Flow, [due]: readonly number[]): void {
    this.#flow = undefined;
    this.#underWay = 0;
    if (due !== undefined) this.#events.onFailure(this, due);
  }
}
