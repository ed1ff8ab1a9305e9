import { aborted, pause } from "../../async/pause.ts";
import { reason } from "../../errors/reason.ts";
import { dial } from "../../net/dial.ts";
import { addressOf, EndpointError } from "../../net/endpoint.ts";
import { ReadScheduler } from "../../net/read_scheduler.ts";
import { hasConnections } from "../../net/transports.ts";
import { Messages } from "../verify/messages.ts";
import type { ConnectionEvents, ConnectionSettings, LoadConnection } from "./connection.ts";
import { openDatagrams } from "./datagrams.ts";
import type { WorkerPlan } from "./plan.ts";
import type { Recorder } from "./recorder.ts";
import { StreamConnection } from "./stream.ts";

/** How many connections are opened at once: no more than the backlog of most servers holds. */
const MAX_OPENING = 128;

/** How long to wait before a connection is replaced, in milliseconds; doubled at each failure. */
const MIN_RETRY = 100;
const MAX_RETRY = 1600;

/** Opens, replaces and closes the connections of a thread. */
export class Pool {
  readonly #plan: WorkerPlan;
  /** Ends all attempts to open connections; aborted here by an unexpected error. */
  readonly #over: AbortController;
  readonly #events: ConnectionEvents;
  readonly #settings: ConnectionSettings;
  /** With `reconnect`, also those that have carried their message. */
  readonly connections = new Set<LoadConnection>();
  readonly scheduler = new ReadScheduler();
  readonly #opening = new Set<Promise<unknown>>();

  constructor(
    plan: WorkerPlan,
    recorder: Recorder,
    over: AbortController,
    events: ConnectionEvents,
  ) {
    this.#plan = plan;
    this.#over = over;
    this.#events = events;
    const { load } = plan;
    const messages = new Messages(load.size);
    this.#settings = { load, messages, recorder, scheduler: this.scheduler, events };
  }

  /** @throws {EndpointError} if no connection can be opened */
  async openAll(): Promise<void> {
    const { connections, firstConnection, connectionStep } = this.#plan;
    const { signal } = this.#over;
    const over = aborted(signal);
    const attempts: Promise<void>[] = [];
    const failures: unknown[] = [];
    for (let i = 0; i < connections && !signal.aborted; i++) {
      const number = firstConnection + i * connectionStep;
      const attempt = this.#open(number).catch((error) => {
        failures.push(error);
        this.replace(number);
      });
      attempts.push(attempt);
      if (this.#opening.size >= MAX_OPENING) await Promise.race([...this.#opening, over]);
    }
    await Promise.race([Promise.all(attempts), over]);
    const none = failures.length === connections && this.connections.size === 0;
    if (none && !signal.aborted) throw failures[0];
  }

  /** Opens a connection in place of one that has ended or could not be opened. */
  async replace(number: number): Promise<void> {
    const { signal } = this.#over;
    for (let wait = MIN_RETRY;; wait = Math.min(2 * wait, MAX_RETRY)) {
      await pause(wait, signal);
      if (signal.aborted || !this.#events.isNeeded()) return;
      if (await this.#open(number).then(() => true, () => false)) return;
    }
  }

  /** Sends a message, over a new connection if this one has carried its own. */
  send(connection: LoadConnection, due: number): void {
    const { recorder } = this.#settings;
    recorder.sent(due);
    if (connection.isOpen) return connection.send(due);
    this.connections.delete(connection);
    const isPaced = this.#plan.interval > 0;
    this.#open(connection.number, (next) => next.send(due, isPaced ? due : performance.now()))
      .catch(() => {
        if (this.#over.signal.aborted) return;
        recorder.failed(due);
        this.#events.onEnd(connection);
      });
  }

  #open(
    number: number,
    use = (connection: LoadConnection) => this.#events.onOpen(connection),
  ): Promise<void> {
    const attempt = this.#attempt(number, use);
    const settled = attempt.catch(() => {}).finally(() => this.#opening.delete(settled));
    this.#opening.add(settled);
    return attempt;
  }

  async #attempt(number: number, use: (connection: LoadConnection) => void): Promise<void> {
    const { signal } = this.#over;
    try {
      const connection = await this.#connect(number);
      if (signal.aborted) return connection.close();
      this.connections.add(connection);
      use(connection);
    } catch (error) {
      if (error instanceof EndpointError) {
        if (!signal.aborted) this.#settings.recorder.error("connect", number, reason(error.cause));
      } else this.#over.abort(error);
      throw error;
    }
  }

  async #connect(number: number): Promise<LoadConnection> {
    const { load: { endpoint, timeout }, dialOptions } = this.#plan;
    if (!hasConnections(endpoint)) {
      return await openDatagrams(number, endpoint, dialOptions, this.#settings);
    }
    const options = { ...dialOptions, timeout, signal: this.#over.signal };
    const { conn, connect, handshake = 0 } = await dial(endpoint, options);
    if (!options.signal.aborted) {
      this.#settings.recorder.opened(addressOf(conn.remoteAddr), connect + handshake);
    }
    return new StreamConnection(number, conn, this.#settings);
  }

  async finish(): Promise<void> {
    await Promise.all([...this.connections].map((connection) => connection.finish()));
  }

  closeAll(): void {
    for (const connection of this.connections) connection.close();
    this.connections.clear();
  }

  /** Waits for the attempts to open, which `#over` must have ended. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#opening);
    this.closeAll();
    await this.scheduler.close();
  }
}
