// The connections of a thread: idle time, counts, the end.
import { pause } from "../async/pause.ts";
import { reason } from "../errors/reason.ts";
import { ReadScheduler } from "../net/read_scheduler.ts";
import type { Listener, Stream } from "../net/stream.ts";
import { sweep } from "../net/traffic.ts";
import type { Access } from "./access_control.ts";
import { BufferPool } from "./buffers.ts";
import { Connection, type Ending, LINGER } from "./connection.ts";
import type { ConnectionLimit } from "./connection_limit.ts";
import { setUp } from "./connection_setup.ts";
import { type ConnectionCounts, noConnections } from "./counts.ts";
import { echo } from "./echo.ts";
import { ConnectionFaults } from "./faults/connection_faults.ts";
import type { ServePlan } from "./plan.ts";
import { dataLog, type Stage, stagedEcho } from "./stages.ts";

/** From one look to the next, while the server drains, at what is left to do, in milliseconds. */
const DRAIN_INTERVAL = 50;

/** A connection on which nothing passed for so long, and all is sent, has finished; in milliseconds. */
const FINISHED = 200;

/** So many connections may come before the event loop has looked at what they bring. */
const CROWD = 128;

/** Serves connections, each in its own task. */
export class Connections {
  readonly #plan: ServePlan;
  readonly #limit: ConnectionLimit;
  readonly #access: Access | undefined;
  readonly #buffers = new BufferPool();
  readonly #scheduler = new ReadScheduler();
  readonly #open = new Set<Connection>();
  /** Those that have ended, by transport. */
  readonly #ended: Record<string, ConnectionCounts> = {};
  readonly #stopping: AbortSignal;
  /** How many were open when the event loop last looked, or fewer. */
  #seen = 0;

  /** @param stopping is aborted when no more connections are to come */
  constructor(
    plan: ServePlan,
    limit: ConnectionLimit,
    access: Access | undefined,
    stopping: AbortSignal,
  ) {
    this.#plan = plan;
    this.#limit = limit;
    this.#access = access;
    this.#stopping = stopping;
    if (plan.idleTimeout === 0) return;
    sweep(plan.idleTimeout, this.#scheduler, stopping, (interval) => this.#closeIdle(interval));
  }

  /** Keeps many readers from starving each other. */
  get scheduler(): ReadScheduler {
    return this.#scheduler;
  }

  /** What they did so far, by transport. */
  get counts(): Record<string, ConnectionCounts> {
    const counts = structuredClone(this.#ended);
    for (const connection of this.#open) count(counts, connection, "open");
    return counts;
  }

  /** Serves a connection that was accepted, until it ends. */
  async serve(conn: Stream, listener: Listener): Promise<void> {
    const connection = new Connection(conn, listener.endpoint);
    this.#open.add(connection);
    const ready = await setUp(conn, listener, this.#access).catch((error) => {
      this.#plan.log.warn?.("cannot set up a connection", { error: reason(error) });
    });
    if (!ready) {
      this.#open.delete(connection);
      return connection.close();
    }
    connection.begin(ready.stream, this.#limit.begin());
    const ending = await connection.serve((connection) => this.#echo(connection), this.#plan.log);
    this.#open.delete(connection);
    count(this.#ended, connection, ending);
    this.#limit.end();
    this.#access?.leave(ready.client);
  }

  /**
   * Waits, where many connections have come, until what they brought could be read: Deno 2.9
   * accepts thousands in a row before it looks at one of them, and most may have left again.
   */
  async catchUp(): Promise<void> {
    this.#seen = Math.min(this.#seen, this.#open.size);
    if (this.#open.size < this.#seen + CROWD) return;
    await this.#scheduler.catchUp(this.#stopping);
    this.#seen = this.#open.size;
  }

  /** Chooses the loop of a connection, once. */
  #echo(connection: Connection): Promise<void> {
    const { stream, traffic, number } = connection;
    const { log, logData, faults } = this.#plan;
    const stages: Stage[] = [];
    if (logData !== "off") stages.push(dataLog(log, logData, number));
    if (faults !== undefined) {
      const own = new ConnectionFaults(faults, number, connection);
      connection.faults = own;
      stages.push(...own.stages);
    }
    return stages.length === 0
      ? echo(stream, traffic, this.#buffers, this.#scheduler)
      : stagedEcho(stream, traffic, this.#scheduler, stages);
  }

  #closeIdle(interval: number): void {
    for (const connection of this.#open) {
      if (connection.traffic.idleTime(interval) >= this.#plan.idleTimeout) connection.close("idle");
    }
  }

  /**
   * Lets connections finish what they have received; the rest is cut off at the
   * time limit, or when it has been idle for too long.
   *
   * A finished connection is half-closed first: closed at once, it would answer
   * a peer that still sends with a reset, and a reset takes back what the peer
   * has not yet read.
   */
  async drain(): Promise<void> {
    const deadline = performance.now() + (this.#plan.drain || Infinity);
    while (this.#open.size > 0) {
      await pause(DRAIN_INTERVAL);
      const overdue = performance.now() >= deadline;
      for (const connection of this.#open) {
        if (overdue) connection.close("drain");
        else this.#drainOne(connection);
      }
    }
    await this.#scheduler.close();
  }

  #drainOne(connection: Connection): void {
    const { traffic } = connection;
    const idle = traffic.idleTime(DRAIN_INTERVAL);
    if (idle >= (this.#plan.idleTimeout || Infinity)) connection.close("idle");
    else if (connection.isEnding) {
      if (idle >= LINGER) connection.close();
    } else if (idle >= FINISHED && traffic.isAnswered) connection.finish("drain");
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
