// The connections of a load: opens, replaces and closes them.
import { aborted, pause } from "../../async/pause.ts";
import { reason } from "../../errors/reason.ts";
import { dial } from "../../net/dial.ts";
import { addressOf, EndpointError, type StreamEndpoint } from "../../net/endpoint.ts";
import { ReadTurns } from "../../net/read_turns.ts";
import type { Stream } from "../../net/stream.ts";
import { Messages } from "../verify/messages.ts";
import {
  type ConnectionEvents,
  type ConnectionSettings,
  type LoadConnection,
  RETRY,
} from "./connection.ts";
import { openDatagrams } from "./datagrams.ts";
import type { WorkerPlan } from "./plan.ts";
import { reconnecting } from "./reconnecting.ts";
import type { Recorder } from "./recorder.ts";
import { StreamConnection } from "./stream.ts";
import { hasConnections } from "../../net/transports.ts";

/** How many connections are being opened at once, so that a server's backlog holds them. */
const MAX_OPENING = 128;

/** How long to wait after many tries in vain, in milliseconds. */
const MAX_RETRY = 1600;

/** What a pool and its connections tell, and ask. */
export interface PoolEvents extends ConnectionEvents {
  onOpen(connection: LoadConnection): void;
  /** Whether there still is something to send. */
  isNeeded(): boolean;
}

/** Keeps as many connections open as the plan says. */
export class Pool {
  readonly #plan: WorkerPlan;
  /** Ends all tries to open connections; the run as well, where something fails that should not. */
  readonly #over: AbortController;
  readonly #events: PoolEvents;
  readonly #settings: ConnectionSettings;
  /** The connections that are open. */
  readonly connections = new Set<LoadConnection>();
  /** The turns in which they are read. */
  readonly turns = new ReadTurns();
  /** What is being opened, and has to end before the run does. */
  readonly #opening = new Set<Promise<unknown>>();

  constructor(plan: WorkerPlan, recorder: Recorder, over: AbortController, events: PoolEvents) {
    this.#plan = plan;
    this.#over = over;
    this.#events = events;
    this.#settings = {
      messages: new Messages(plan.load.size),
      pipeline: plan.load.pipeline,
      timeout: plan.load.timeout || Infinity,
      recorder,
      turns: this.turns,
    };
  }

  /**
   * Opens all connections; returns when every one is open or has failed.
   *
   * @throws {EndpointError} where none can be opened
   */
  async openAll(): Promise<void> {
    const { connections, firstConnection, connectionStep } = this.#plan;
    const over = aborted(this.#over.signal);
    const opening = new Set<Promise<void>>();
    const failures: unknown[] = [];
    for (let i = 0; i < connections && !this.#over.signal.aborted; i++) {
      const number = firstConnection + i * connectionStep;
      const opened = this.#openOne(number).catch((error) => {
        failures.push(error);
        this.#failed(number, error);
        this.replace(number);
      });
      opening.add(opened);
      opened.then(() => opening.delete(opened));
      if (opening.size >= MAX_OPENING) await Promise.race([...opening, over]);
    }
    await Promise.race([Promise.all(opening), over]);
    const none = failures.length === connections && this.connections.size === 0;
    if (none && !this.#over.signal.aborted) throw failures[0];
  }

  /** Opens a connection for one that has ended or could not be opened. */
  replace(number: number): void {
    this.#whileOpening(this.#retry(number));
  }

  async #retry(number: number): Promise<void> {
    for (let wait = RETRY;; wait = Math.min(2 * wait, MAX_RETRY)) {
      await pause(wait, this.#over.signal);
      if (this.#over.signal.aborted || !this.#events.isNeeded()) return;
      try {
        return await this.#openOne(number);
      } catch (error) {
        this.#failed(number, error);
      }
    }
  }

  async #openOne(number: number): Promise<void> {
    const connection = await this.#connection(number);
    if (this.#over.signal.aborted) return connection.close();
    this.connections.add(connection);
    this.#events.onOpen(connection);
  }

  async #connection(number: number): Promise<LoadConnection> {
    const { load: { endpoint, reconnect }, dialOptions, interval } = this.#plan;
    if (!hasConnections(endpoint)) {
      return await openDatagrams(number, endpoint, dialOptions, this.#settings, this.#events);
    }
    const dial = () => this.#dial(endpoint);
    const over = (conn: Stream, events: ConnectionEvents) =>
      new StreamConnection(number, conn, this.#settings, events);
    if (!reconnect) return over(await dial(), this.#events);
    const failed = (error: unknown) => this.#failed(number, error);
    return await reconnecting(number, dial, over, failed, interval > 0, this.#events);
  }

  async #dial(endpoint: StreamEndpoint): Promise<Stream> {
    const { dialOptions, load: { timeout } } = this.#plan;
    const dialling = dial(endpoint, { ...dialOptions, timeout, signal: this.#over.signal });
    const { conn, connect, handshake = 0 } = await this.#whileOpening(dialling);
    if (this.#over.signal.aborted) {
      conn.close();
      throw this.#over.signal.reason;
    }
    this.#settings.recorder.opened(addressOf(conn.remoteAddr), connect + handshake);
    return conn;
  }

  #whileOpening<T>(opening: Promise<T>): Promise<T> {
    const done = () => this.#opening.delete(opening);
    this.#opening.add(opening);
    opening.then(done, done);
    return opening;
  }

  #failed(number: number, error: unknown): void {
    if (this.#over.signal.aborted) return;
    if (!(error instanceof EndpointError)) return this.#over.abort(error);
    this.#settings.recorder.error("connect", number, reason(error.cause));
  }

  /** Sends no more on any connection, and waits for what should not come any more. */
  async finish(): Promise<void> {
    await Promise.all([...this.connections].map((connection) => connection.finish()));
  }

  closeAll(): void {
    for (const connection of this.connections) connection.close();
    this.connections.clear();
  }

  /** Closes them and those that are being opened; the run has to be over. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#opening);
    this.closeAll();
    await this.turns.close();
  }
}
