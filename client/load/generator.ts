import { aborted, LONGEST_PAUSE, onAbort, pause } from "../../async/pause.ts";
import { sweep } from "../../net/traffic.ts";
import type { ConnectionEvents, LoadConnection } from "./connection.ts";
import { Pacer } from "./pacer.ts";
import type { WorkerPlan } from "./plan.ts";
import { Pool } from "./pool.ts";
import { Recorder } from "./recorder.ts";
import { emptyLoadResult, type LoadProgress, type LoadResult } from "./result.ts";
import { Schedule } from "./schedule.ts";

/** In milliseconds. */
const PROGRESS_INTERVAL = 200;

/** How long the last answers may take if there is no timeout, in milliseconds. */
const LAST_ANSWERS = 1000;

/** How many timeouts without a byte end a load that has no limit of time. */
const MAX_SILENT_TIMEOUTS = 5;

/** The least silence that ends it, in milliseconds: connections are replaced after a pause. */
const MIN_SILENCE = 1000;

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
  const recorder = new Recorder(await emptyLoadResult(plan.load));
  const report = () => onProgress(recorder.progress(performance.now()));
  const progress = setInterval(report, PROGRESS_INTERVAL);
  try {
    await new Generator(plan, recorder).run(signal, ready);
    report();
    return recorder.result;
  } finally {
    clearInterval(progress);
  }
}

class Generator implements ConnectionEvents {
  readonly #plan: WorkerPlan;
  readonly #recorder: Recorder;
  readonly #pool: Pool;
  /** Aborted with DONE, or with an unexpected error. */
  readonly #over = new AbortController();
  /** Undefined until all connections are open. */
  #sending: { readonly schedule: Schedule; readonly pacer: Pacer } | undefined;
  /** How long the load has waited for its last answers, in milliseconds. */
  #waited = 0;
  /** How long it has waited for an answer since the last byte, in milliseconds. */
  #silence = 0;
  #received = 0;
  #pacing: Promise<void> | undefined;

  constructor(plan: WorkerPlan, recorder: Recorder) {
    this.#plan = plan;
    this.#recorder = recorder;
    this.#pool = new Pool(plan, recorder, this.#over, this);
  }

  async run(signal: AbortSignal, ready: () => Promise<void>): Promise<void> {
    const over = aborted(this.#over.signal);
    const stop = () => this.#over.abort(DONE);
    using _stopping = onAbort(signal, stop);
    const check = (interval: number) => this.#checkTimeouts(interval);
    const checking = sweep(this.#patience, this.#pool.scheduler, this.#over.signal, check)
      .catch((error) => this.#over.abort(error));
    try {
      await this.#pool.openAll();
      await Promise.race([ready(), over]);
      if (signal.aborted) return;
      const schedule = this.#start();
      // A timer can be early by a part of a millisecond.
      const left = Math.min(schedule.end - performance.now() + 1, LONGEST_PAUSE);
      pause(left, this.#over.signal).then(() => this.#endIfDone(performance.now()));
      await over;
      if (this.#over.signal.reason !== DONE) throw this.#over.signal.reason;
      if (signal.aborted || this.#recorder.underWay > 0) this.#pool.closeAll();
      schedule.stop(performance.now());
      this.#recorder.ended(schedule);
      await this.#pool.finish();
    } finally {
      stop();
      await this.#pool.close();
      await Promise.all([checking, this.#pacing]);
    }
  }

  #start(): Schedule {
    const { load: { duration, warmUp }, messages, interval, delay } = this.#plan;
    const now = performance.now();
    const countFrom = now + warmUp;
    const end = countFrom + (duration || Infinity);
    const schedule = new Schedule({ start: now + delay, countFrom, end, messages, interval });
    const pacer = new Pacer(schedule, this.#pool);
    this.#sending = { schedule, pacer };
    this.#recorder.started(now, countFrom);
    for (const connection of this.#pool.connections) this.onOpen(connection);
    this.#pacing = pacer.run(this.#over.signal).catch((error) => this.#over.abort(error));
    return schedule;
  }

  onOpen(connection: LoadConnection): void {
    const now = performance.now();
    for (let i = 0; i < this.#plan.load.pipeline; i++) this.onFree(connection, now);
  }

  onFree(connection: LoadConnection, now: number): void {
    this.#sending?.pacer.offer(connection, now);
    this.#endIfDone(now);
  }

  onEnd(connection: LoadConnection): void {
    this.#pool.connections.delete(connection);
    this.#endIfDone(performance.now());
    this.#pool.replace(connection.number);
  }

  isNeeded(): boolean {
    return !this.#sending?.schedule.isOver(performance.now());
  }

  #checkTimeouts(interval: number): void {
    const { connections } = this.#pool;
    for (const connection of connections) connection.checkTimeout(interval);
    const now = performance.now();
    if (this.#hasGivenUp(interval)) this.#sending?.schedule.stop(now);
    // Not by the clock: answers may have arrived while the machine slept. Messages time out first.
    if (now >= (this.#sending?.schedule.end ?? Infinity)) this.#waited += interval;
    if (this.#waited > this.#patience + 2 * interval) this.#over.abort(DONE);
    this.#endIfDone(now);
  }

  /** Whether the server was silent for too long, if nothing else would end the load. */
  #hasGivenUp(interval: number): boolean {
    const { timeout, messages, duration } = this.#plan.load;
    const { received } = this.#recorder.result.bytes;
    if (received > this.#received) this.#silence = 0;
    else if (this.#recorder.underWay > 0 || this.#pool.connections.size === 0) {
      this.#silence += interval;
    }
    this.#received = received;
    const isEndless = messages > 0 && duration === 0 && timeout > 0;
    return isEndless && this.#silence >= Math.max(MAX_SILENT_TIMEOUTS * timeout, MIN_SILENCE);
  }

  /** How long an answer may take, in milliseconds. */
  get #patience(): number {
    return this.#plan.load.timeout || LAST_ANSWERS;
  }

  #endIfDone(now: number): void {
    if (this.#recorder.underWay === 0 && this.#sending?.schedule.isOver(now)) {
      this.#over.abort(DONE);
    }
  }
}
