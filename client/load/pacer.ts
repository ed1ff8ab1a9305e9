import { Change, onAbort, pause } from "../../async/pause.ts";
import { SocketPoll } from "../../net/socket_poll.ts";
import type { LoadConnection } from "./connection.ts";
import type { Pool } from "./pool.ts";
import type { Schedule } from "./schedule.ts";

/** How late timers of Deno can be, in milliseconds. For less the event loop is polled. */
const TIMER_SLACK = 2.5;

/** Assigns messages that are due to free connections. */
export class Pacer {
  readonly #schedule: Schedule;
  readonly #pool: Pool;
  /** Each connection is here once for each message that it has room for. */
  readonly #free: LoadConnection[] = [];
  readonly #freed = new Change();

  constructor(schedule: Schedule, pool: Pool) {
    this.#schedule = schedule;
    this.#pool = pool;
  }

  /** Sends a message on a connection that has room for one, now or when one is due. */
  offer(connection: LoadConnection, now: number): void {
    const due = this.#schedule.take(now);
    if (due !== undefined) return this.#pool.send(connection, due);
    if (!this.#schedule.isPaced) return;
    this.#free.push(connection);
    if (this.#free.length === 1) this.#freed.announce();
  }

  /** Sends messages when they are due at a rate, until the signal. */
  async run(over: AbortSignal): Promise<void> {
    if (!this.#schedule.isPaced) return;
    // Without --allow-net for loopback there is none: timers replace it.
    using poll = await SocketPoll.open().catch(() => undefined);
    using _woken = onAbort(over, () => this.#freed.announce());
    for (;;) {
      const now = performance.now();
      if (over.aborted || this.#schedule.isOver(now)) return;
      this.#sendDue(now);
      const wait = Math.min(this.#schedule.next, this.#schedule.end) - performance.now();
      if (this.#free.length === 0) await this.#freed.next;
      else if (wait > TIMER_SLACK) await pause(wait - TIMER_SLACK, over);
      else await (poll?.next() ?? pause(1, over));
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
