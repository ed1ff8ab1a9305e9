// All connections of a thread, from accept to their end: setup, echo, idle timeout, drain.
import { pause } from "../async/pause.ts";
import { ReadScheduler } from "../net/read_scheduler.ts";
import type { Listener, Stream } from "../net/stream.ts";
import { sweep } from "../net/traffic.ts";
import type { Access } from "./access_control.ts";
import { BufferPool } from "./buffers.ts";
import { Connection, type Ending, LINGER } from "./connection.ts";
import type { ConnectionLimit } from "./connection_limit.ts";
import { setUp } from "./connection_setup.ts";
import { type ConnectionCounts, noConnections } from "./counts.ts";
import type { ServePlan } from "./plan.ts";
import { echo } from "./stages/choose_stages.ts";

/** From one check of a drain to the next, in milliseconds. */
const DRAIN_INTERVAL = 50;

/** While draining, a connection has finished when it was idle for this long, in milliseconds. */
const FINISHED = 200;

/** How many connections are accepted before the event loop reads their input. */
const CROWD = 128;

export class ConnectionSet {
  readonly scheduler = new ReadScheduler();
  readonly #buffers = new BufferPool();
  readonly #open = new Set<Connection>();
  /** Those that have ended, by transport. */
  readonly #ended: Record<string, ConnectionCounts> = {};
  /** How many were open when the event loop last read their input, or fewer. */
  #seen = 0;

  constructor(
    private readonly plan: ServePlan,
    private readonly limit: ConnectionLimit,
    private readonly access: Access | undefined,
    private readonly stopping: AbortSignal,
  ) {
    if (plan.idleTimeout === 0) return;
    sweep(plan.idleTimeout, this.scheduler, stopping, (interval) => {
      for (const connection of this.#open) this.#checkIdle(connection, interval);
    });
  }

  /** By transport. */
  get counts(): Record<string, ConnectionCounts> {
    const counts = structuredClone(this.#ended);
    for (const connection of this.#open) count(counts, connection, "open");
    return counts;
  }

  async serve(conn: Stream, listener: Listener): Promise<void> {
    const connection = new Connection(conn, listener.endpoint);
    this.#open.add(connection);
    const ready = await setUp(conn, listener, this.plan, this.access);
    if (!ready) {
      this.#open.delete(connection);
      return connection.close();
    }
    connection.begin(ready.stream, this.limit.serve());
    const run = () => echo(connection, this.plan, this.#buffers, this.scheduler);
    const ending = await connection.serve(run, this.plan.log);
    this.#open.delete(connection);
    count(this.#ended, connection, ending);
    this.access?.leave(ready.client);
  }

  /** Whether many were accepted since the event loop last read their input. */
  get isCrowded(): boolean {
    this.#seen = Math.min(this.#seen, this.#open.size);
    return this.#open.size >= this.#seen + CROWD;
  }

  /**
   * Waits until the input of open connections could be read: Deno 2.9 accepts thousands in a row
   * before it polls one of them, and most may have left again.
   */
  async catchUp(): Promise<void> {
    await this.scheduler.catchUp(this.stopping);
    this.#seen = this.#open.size;
  }

  /** Makes open connections take the new faults at their next read. */
  changeFaults(): void {
    for (const { isEnding, traffic, faults } of this.#open) {
      if (isEnding) continue;
      traffic.faultsChanged = true;
      faults?.flush();
    }
  }

  /** Closes a connection that was idle for too long; returns its idle time. */
  #checkIdle(connection: Connection, interval: number): number {
    const idle = connection.traffic.idleTime(interval);
    if (idle >= (this.plan.idleTimeout || Infinity)) connection.close("idle");
    return idle;
  }

  /**
   * Lets connections finish; closes the rest at the time limit, or when idle for too long.
   *
   * A finished connection is half-closed first: one that is closed resets a peer that still sends,
   * and a reset discards what the peer has not yet read.
   */
  async drain(): Promise<void> {
    const deadline = performance.now() + (this.plan.drain || Infinity);
    while (this.#open.size > 0) {
      await pause(DRAIN_INTERVAL);
      const overdue = performance.now() >= deadline;
      for (const connection of this.#open) {
        if (overdue) connection.close("drain");
        else this.#drainOne(connection);
      }
    }
    await this.scheduler.close();
  }

  #drainOne(connection: Connection): void {
    const idle = this.#checkIdle(connection, DRAIN_INTERVAL);
    if (connection.isEnding) {
      if (idle >= LINGER) connection.close();
    } else if (idle >= FINISHED && connection.traffic.isAnswered) connection.finish("drain");
  }
}

function count(
  all: Record<string, ConnectionCounts>,
  { endpoint: { scheme }, traffic }: Connection,
  state: Ending | "open",
): void {
  const counts = all[scheme] ??= noConnections();
  counts.states[state]++;
  counts.received += traffic.received;
  counts.sent += traffic.sent;
}
