import { pause } from "../../async/pause.ts";
import { reason } from "../../errors/reason.ts";
import { dial } from "../../net/dial.ts";
import { addressOf, EndpointError } from "../../net/endpoint.ts";
import { hasConnections } from "../../net/transports.ts";
import type { ConnectionSettings, LoadConnection } from "./connection.ts";
import { openDatagrams } from "./datagrams.ts";
import type { WorkerPlan } from "./plan.ts";
import { StreamConnection } from "./stream.ts";

/** How many connections are opened at once: no more than the backlog of most servers holds. */
const MAX_OPENING = 128;

/** How long to wait before a connection is replaced, in milliseconds; doubled at each failure. */
const MIN_RETRY = 100;
const MAX_RETRY = 1600;

/** Opens, replaces and closes the connections of a thread. */
export class Pool {
  /** With `reconnect`, also those that have carried their message. */
  readonly connections = new Set<LoadConnection>();
  readonly #opening = new Set<Promise<unknown>>();

  /** @param over ends all attempts to open connections; aborted here by an unexpected error */
  constructor(
    private readonly plan: WorkerPlan,
    private readonly settings: ConnectionSettings,
    private readonly over: AbortController,
  ) {}

  /** @throws {EndpointError} if no connection can be opened */
  async openAll(): Promise<void> {
    const { connections, firstConnection, connectionStep } = this.plan;
    const failures: unknown[] = [];
    const attempts: Promise<void>[] = [];
    for (let i = 0; i < connections && !this.over.signal.aborted; i++) {
      const number = firstConnection + i * connectionStep;
      attempts.push(
        this.#open(number).catch((error) => {
          failures.push(error);
          this.replace(number);
        }),
      );
      if (this.#opening.size >= MAX_OPENING) await Promise.race(this.#opening);
    }
    await Promise.all(attempts);
    if (failures.length === connections && !this.over.signal.aborted) throw failures[0];
  }

  /** Opens a connection in place of one that has ended or could not be opened. */
  async replace(number: number): Promise<void> {
    const { signal } = this.over;
    for (let wait = MIN_RETRY;; wait = Math.min(2 * wait, MAX_RETRY)) {
      await pause(wait, signal);
      if (signal.aborted) return;
      if (await this.#open(number).then(() => true, () => false)) return;
    }
  }

  /** Sends a message, over a new connection if this one has carried its own. */
  send(connection: LoadConnection, due: number): void {
    const { recorder } = this.settings;
    recorder.sent(due);
    if (connection.isOpen) return connection.send(due);
    this.connections.delete(connection);
    this.#open(connection.number, (next) => next.send(due)).catch(() => {
      if (this.over.signal.aborted) return;
      recorder.failed(due);
      this.settings.events.onEnd(connection);
    });
  }

  async #open(
    number: number,
    use = (connection: LoadConnection) => this.settings.events.onOpen(connection),
  ): Promise<void> {
    const { signal } = this.over;
    const attempt = this.#connect(number);
    const opening = attempt.then(() => {}, () => {});
    this.#opening.add(opening);
    try {
      const connection = await attempt;
      if (signal.aborted) return connection.close();
      this.connections.add(connection);
      use(connection);
    } catch (error) {
      const { recorder } = this.settings;
      if (!(error instanceof EndpointError)) this.over.abort(error);
      else if (!signal.aborted) recorder.error("connect", number, reason(error.cause));
      throw error;
    } finally {
      this.#opening.delete(opening);
    }
  }

  async #connect(number: number): Promise<LoadConnection> {
    const { load: { endpoint, timeout }, dialOptions } = this.plan;
    if (!hasConnections(endpoint)) {
      return await openDatagrams(number, endpoint, dialOptions, this.settings);
    }
    const { signal } = this.over;
    const dialled = await dial(endpoint, { ...dialOptions, timeout, signal });
    const { conn, connect, handshake = 0 } = dialled;
    const { recorder } = this.settings;
    if (!signal.aborted) recorder.opened(addressOf(conn.remoteAddr), connect + handshake);
    return new StreamConnection(number, conn, this.settings);
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
    await Promise.all(this.#opening);
    this.closeAll();
  }
}
