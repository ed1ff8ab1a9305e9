import { Change } from "../../async/change.ts";
import { onAbort, pause } from "../../async/pause.ts";
import { SocketPoll } from "../../net/socket_poll.ts";
import type { LoadConnection } from "./connection.ts";
import type { Pool } from "./pool.ts";
import type { Schedule } from "./schedule.ts";

/**
 * Timers of Deno come up to so much late, in milliseconds. What is due sooner
 * is waited for in turns of the event loop.
 */
const TIMER_SLACK = 2.5;

/** Gives the messages that are due to connections that have room for one. */
export class Pacer {
  readonly #schedule: Schedule;
  readonly #pool: Pool;
  /** A connection for each message that could be sent now, were it due. */
  readonly #free: LoadConnection[] = [];
  /** Tells that there is one again. */
  readonly #freed = new Change();

  constructor(schedule: Schedule, pool: Pool) {
    this.#schedule = schedule;
    this.#pool = pool;
  }

  /** A connection has room for a message; it gets one now, or when one is due. */
  offer(connection: LoadConnection, now: number): void {
    const due = this.#schedule.take(now);
    if (due !== undefined) return this.#pool.send(connection, due);
    if (!this.#schedule.isPaced) return;
    this.#free.push(connection);
    if (this.#free.length === 1) this.#freed.announce();
  }

  /** Waits until messages are due and gives them to free connections, until the signal. */
  async run(over: AbortSignal): Promise<void> {
    // Without one, where this program may not listen on loopback, answers are seen later.
    using poll = await SocketPoll.open().catch(() => undefined);
    using _woken = onAbort(over, () => this.#freed.announce());
    for (;;) {
      const now = performance.now();
      if (over.aborted || this.#schedule.isOver(now)) return;
      this.#sendDue(now);
      const wait = Math.min(this.#schedule.next, this.#schedule.end) - performance.now();
      if (this.#free.length === 0) await this.#freed.next;
      else if (wait > TIMER_SLACK) await pause(wait - TIMER_SLACK, over);
      else if (poll !== undefined) await poll.next();
      else await turnOfEventLoop();
    }
  }

  #sendDue(now: number): void {
    for (let [connection] = this.#free; connection !== undefined; [connection] = this.#free) {
      if (this.#pool.connections.has(connection)) {
        const due = this.#schedule.take(now);
        if (due === undefined) return;
        this.#pool.send(connection, due);
      }
      this.#free.shift();
    }
  }
}

/** Lets the event loop go round once, whether or not it looks at its sockets. */
async function turnOfEventLoop(): Promise<void> {
  const { setImmediate } = await import("node:timers");
  await new Promise<void>((resolve) => void setImmediate(resolve));
}
