import { aborted, Change, LONGEST_PAUSE, onAbort, pause } from "../../async/pause.ts";
import { openPoll, ReadScheduler } from "../../net/read_scheduler.ts";
import { sweep, Traffic } from "../../net/traffic.ts";
import { Messages } from "../verify/messages.ts";
import type { ConnectionEvents, LoadConnection } from "./connection.ts";
import type { WorkerPlan } from "./plan.ts";
import { Pool } from "./pool.ts";
import { Recorder } from "./recorder.ts";
import { emptyLoadResult, type LoadProgress, type LoadResult } from "./result.ts";
import { Schedule } from "./schedule.ts";

/** In milliseconds. */
const PROGRESS_INTERVAL = 200;

/** How long the last answers may take if there is no timeout, in milliseconds. */
const LAST_ANSWERS = 1000;

/** How many timeouts without a byte, and a second, end a load that has no limit of time. */
const MAX_SILENT_TIMEOUTS = 3;

/** How late timers of Deno can be, in milliseconds. For less the event loop is polled. */
const TIMER_SLACK = 2.5;

/** The abort reason of a run without an unexpected error. */
const DONE = "done";

/**
 * Generates the load of one thread.
 *
 * @param signal ends it; the result until then is returned
 * @param ready called when the connections are open; the first message waits for its promise
 * @throws {EndpointError} if no connection can be opened
 */
export async function generate(
  plan: WorkerPlan,
  onProgress: (progress: LoadProgress) => void,
  signal: AbortSignal,
  ready: () => Promise<void> = () => Promise.resolve(),
): Promise<LoadResult> {
  const [result, warmUp] = [await emptyLoadResult(plan.load), await emptyLoadResult(plan.load)];
  const recorder = new Recorder(result, warmUp);
  const report = () => onProgress(recorder.progress());
  const progress = setInterval(report, PROGRESS_INTERVAL);
  await new Generator(plan, recorder).run(signal, ready).finally(() => clearInterval(progress));
  report();
  return result;
}

/** Assigns messages that are due to free connections, until all are sent or the time is over. */
class Generator implements ConnectionEvents {
  readonly #scheduler = new ReadScheduler();
  readonly #pool: Pool;
  /** Aborted with DONE, or with an unexpected error. */
  readonly #over = new AbortController();
  /** Undefined until all connections are open. */
  #schedule: Schedule | undefined;
  /** At a rate, each connection is here once for each message that it has room for. */
  readonly #free: LoadConnection[] = [];
  readonly #freed = new Change();
  /** How long an answer may take, in milliseconds. */
  readonly #patience: number;
  /** How long the load has waited for its last answers, in milliseconds. */
  #waited = 0;
  /** Shows how long nothing has come back. */
  readonly #traffic = new Traffic();

  constructor(private readonly plan: WorkerPlan, private readonly recorder: Recorder) {
    const { load } = plan;
    this.#patience = load.timeout || LAST_ANSWERS;
    const messages = new Messages(load.size);
    const settings = { load, messages, recorder, scheduler: this.#scheduler, events: this };
    this.#pool = new Pool(plan, settings, this.#over);
  }

  async run(signal: AbortSignal, ready: () => Promise<void>): Promise<void> {
    const { load: { duration, warmUp }, messages, interval, delay } = this.plan;
    const over = aborted(this.#over.signal);
    const stop = () => this.#over.abort(DONE);
    const fail = (error: unknown) => this.#over.abort(error);
    using _stopping = onAbort(signal, stop);
    const check = (interval: number) => this.#checkTimeouts(interval);
    const checking = sweep(this.#patience, this.#scheduler, this.#over.signal, check).catch(fail);
    let sending: Promise<void> | undefined;
    try {
      await this.#pool.openAll();
      await Promise.race([ready(), over]);
      if (signal.aborted) return;
      const now = performance.now();
      const countFrom = now + warmUp;
      const end = countFrom + (duration || Infinity);
      const schedule = new Schedule({ start: now + delay, countFrom, end, messages, interval });
      this.#schedule = schedule;
      this.recorder.started(countFrom);
      for (const connection of this.#pool.connections) this.onOpen(connection);
      if (schedule.isPaced) sending = this.#sendAtRate(schedule).catch(fail);
      // A timer can be early by a part of a millisecond.
      const left = Math.min(end - performance.now() + 1, LONGEST_PAUSE);
      pause(left, this.#over.signal).then(() => this.#endIfDone(performance.now()));
      await over;
      if (this.#over.signal.reason !== DONE) throw this.#over.signal.reason;
      if (signal.aborted || this.recorder.underWay > 0) this.#pool.closeAll();
      schedule.stop(performance.now());
      this.recorder.ended(schedule);
      await this.#pool.finish();
    } finally {
      stop();
      await this.#pool.close();
      await this.#scheduler.close();
      await Promise.all([checking, sending]);
    }
  }

  async #sendAtRate(schedule: Schedule): Promise<void> {
    const over = this.#over.signal;
    // Without --allow-net for loopback there is none: timers replace it.
    using poll = await openPoll().catch(() => undefined);
    using _woken = onAbort(over, () => this.#freed.announce());
    for (;;) {
      const now = performance.now();
      if (over.aborted || schedule.isOver(now)) return;
      this.#sendDue(schedule, now);
      const wait = Math.min(schedule.next, schedule.end) - performance.now();
      if (this.#free.length === 0) await this.#freed.next;
      else if (wait > TIMER_SLACK) await pause(wait - TIMER_SLACK, over);
      else await (poll?.next() ?? pause(1, over));
    }
  }

  #sendDue(schedule: Schedule, now: number): void {
    for (let [connection] = this.#free; connection !== undefined; [connection] = this.#free) {
      if (this.#pool.connections.has(connection)) {
        const due = schedule.take(now);
        if (due === undefined) return;
        this.#pool.send(connection, due);
      }
      this.#free.shift();
    }
  }

  onOpen(connection: LoadConnection): void {
    const now = performance.now();
    for (let i = 0; i < this.plan.load.pipeline; i++) this.onFree(connection, now);
  }

  onFree(connection: LoadConnection, now: number): void {
    const due = this.#schedule?.take(now);
    if (due !== undefined) return this.#pool.send(connection, due);
    if (this.#schedule?.isPaced && this.#free.push(connection) === 1) this.#freed.announce();
    this.#endIfDone(now);
  }

  onEnd(connection: LoadConnection): void {
    const now = performance.now();
    this.#pool.connections.delete(connection);
    this.#endIfDone(now);
    if (!this.#schedule?.isOver(now)) this.#pool.replace(connection.number);
  }

  #checkTimeouts(interval: number): void {
    const { connections } = this.#pool;
    for (const connection of connections) connection.checkTimeout(interval);
    const now = performance.now();
    if (this.#hasGivenUp(interval)) this.#schedule?.stop(now);
    // Not by the clock: answers may have arrived while the machine slept. Messages time out first.
    if (now >= (this.#schedule?.end ?? Infinity)) this.#waited += interval;
    if (this.#waited > this.#patience + 2 * interval) this.#over.abort(DONE);
    this.#endIfDone(now);
  }

  /** Whether the server was silent for too long, if nothing else would end the load. */
  #hasGivenUp(interval: number): boolean {
    const { timeout, messages, duration } = this.plan.load;
    const isWaiting = this.recorder.underWay > 0 || this.#pool.connections.size === 0;
    this.#traffic.received = this.recorder.result.bytes.received;
    const silence = this.#traffic.idleTime(isWaiting ? interval : 0);
    const isEndless = messages > 0 && duration === 0 && timeout > 0;
    return isEndless && silence >= MAX_SILENT_TIMEOUTS * timeout + 1000;
  }

  #endIfDone(now: number): void {
    if (this.recorder.underWay === 0 && this.#schedule?.isOver(now)) this.#over.abort(DONE);
  }
}
