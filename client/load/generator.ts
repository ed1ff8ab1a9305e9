/**
 * Generates the load of one thread.
 *
 * @module
 */
import { lookInterval } from "../../net/traffic.ts";
import { dial, type StreamEndpoint } from "../../net/dial.ts";
import { reason } from "../../errors/reason.ts";
import { EndpointError } from "../../net/endpoint_error.ts";
import { ReadTurns } from "../../net/read_turns.ts";
import type { Stream } from "../../net/stream.ts";
import { pause } from "../../async/pause.ts";
import {
  type ConnectionEvents,
  type ConnectionSettings,
  type LoadConnection,
  RETRY,
} from "./connection.ts";
import { DatagramConnection } from "./datagrams.ts";
import type { WorkerPlan } from "./plan.ts";
import { Messages } from "../verify/messages.ts";
import { ReconnectingConnection } from "./reconnecting.ts";
import {
  emptyLoadResult,
  type LoadErrorKind,
  type LoadProgress,
  type LoadResult,
  MAX_EXAMPLES,
  totalErrors,
} from "./result.ts";
import { Schedule } from "./schedule.ts";
import { StreamConnection } from "./stream.ts";

/** How many connections are being opened at once, so that a server's backlog holds them. */
const MAX_OPENING = 128;

/** How long what is being opened may take when the run has ended, in milliseconds. */
const GIVE_UP = 100;

/** How long to wait after many tries in vain, in milliseconds. */
const MAX_RETRY = 1600;

/**
 * Timers of Deno come up to so much late, in milliseconds. What is due sooner
 * is waited for in turns of the event loop.
 */
const TIMER_SLACK = 2.5;

/** The longest that a timer of Deno can be, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/** From one report of the progress to the next, in milliseconds. */
const PROGRESS = 200;

/**
 * Opens connections, then sends messages on them until it is time.
 *
 * @param signal ends it; what was found so far is returned
 * @param ready is called when the connections are open; messages wait for what it returns
 * @throws {EndpointError} where no connection can be opened
 */
export async function generate(
  plan: WorkerPlan,
  onProgress: (progress: LoadProgress) => void,
  signal: AbortSignal,
  ready: () => Promise<void> = () => Promise.resolve(),
): Promise<LoadResult> {
  const result = await emptyLoadResult(plan.load);
  const generator = new Generator(plan, result, signal);
  const progress = setInterval(() => {
    onProgress({
      connections: result.connections,
      elapsed: generator.elapsed,
      right: result.messages.right,
      errors: totalErrors(result),
    });
  }, PROGRESS);
  try {
    await generator.run(ready);
    return result;
  } finally {
    clearInterval(progress);
  }
}

/** A load while it runs. */
class Generator implements ConnectionEvents {
  readonly #plan: WorkerPlan;
  readonly #settings: ConnectionSettings;
  readonly #result: LoadResult;
  readonly #signal: AbortSignal;
  /** The connections that are open, with their numbers. */
  readonly #flows = new Map<LoadConnection, number>();
  /** A flow for each message that could be sent now, were it due. */
  readonly #free: LoadConnection[] = [];
  /** Tells that there is one again, or that the run is over. */
  #freed = Promise.withResolvers<void>();
  #schedule: Schedule | undefined;
  #underWay = 0;
  #sent = 0;
  #lastAnswer = 0;
  /** Since when no connection could be opened, while that was tried. */
  #refusedSince: number | undefined;
  readonly #done = Promise.withResolvers<void>();
  /** Is aborted when the run ends. */
  readonly #ending = new AbortController();
  /** Gives up what is still being opened then. */
  readonly #givingUp = new AbortController();
  /** What is being opened, and has to end before the run does. */
  readonly #opening = new Set<Promise<unknown>>();

  constructor(plan: WorkerPlan, result: LoadResult, signal: AbortSignal) {
    this.#plan = plan;
    this.#result = result;
    this.#signal = signal;
    this.#settings = {
      messages: new Messages(plan.load.size),
      pipeline: plan.load.pipeline,
      timeout: plan.load.timeout || Infinity,
      bytes: result.bytes,
      turns: new ReadTurns(),
    };
    this.#done.promise.catch(() => {});
    const stop = () => {
      this.#ending.abort();
      this.#finish();
    };
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  }

  /** For how long messages have counted, in milliseconds. */
  get elapsed(): number {
    return Math.max(0, performance.now() - (this.#schedule?.countFrom ?? Infinity));
  }

  /** Opens the connections, then sends messages on them until it is time. */
  async run(ready: () => Promise<void>): Promise<void> {
    const { timeout } = this.#plan.load;
    const look = setInterval(() => this.#look(), lookInterval(timeout || 1000));
    let end: ReturnType<typeof setTimeout> | undefined;
    try {
      await this.#openAll();
      await Promise.race([ready(), this.#done.promise]);
      if (this.#signal.aborted) return;
      const schedule = this.#start();
      if (schedule.end < Infinity) {
        // A timer can be early by a part of a millisecond.
        const left = Math.max(0, schedule.end - performance.now()) + 1;
        end = setTimeout(() => this.#checkDone(performance.now()), Math.min(left, MAX_TIMER));
      }
      await this.#done.promise;
      if (this.#signal.aborted) this.#closeAll();
      this.#conclude(schedule);
      await Promise.all([...this.#flows.keys()].map((flow) => flow.finish()));
    } finally {
      clearInterval(look);
      clearTimeout(end);
      this.#ending.abort();
      // Of a connection that is given up as it opens Deno 2.9 loses the socket.
      const patience = setTimeout(() => this.#givingUp.abort(), GIVE_UP);
      await Promise.allSettled(this.#opening);
      clearTimeout(patience);
      this.#closeAll();
      await this.#settings.turns.close();
    }
  }

  #closeAll(): void {
    for (const flow of this.#flows.keys()) flow.close();
    this.#flows.clear();
  }

  /** Begins to send. */
  #start(): Schedule {
    const { load: { duration, warmUp }, messages, interval, delay } = this.#plan;
    const now = performance.now();
    const countFrom = now + warmUp;
    const end = countFrom + (duration || Infinity);
    const schedule = new Schedule({ start: now + delay, countFrom, end, messages, interval });
    this.#schedule = schedule;
    this.#result.started = new Date(Date.now() + warmUp);
    for (const flow of this.#flows.keys()) this.#fill(flow);
    if (interval > 0) this.#sendWhenDue(schedule);
    return schedule;
  }

  #conclude(schedule: Schedule): void {
    schedule.stop(performance.now());
    const { messages } = this.#result;
    messages.sent = this.#sent;
    messages.waiting = this.#sent - messages.right - messages.failed;
    messages.missed = schedule.missed;
    const ranOut = schedule.ranOut && this.#lastAnswer > 0;
    const end = ranOut ? this.#lastAnswer : Math.max(this.#lastAnswer, schedule.end);
    this.#result.elapsed = Math.max(0, end - schedule.countFrom);
  }

  /** Opens all connections; returns when every one is open or has failed. */
  async #openAll(): Promise<void> {
    const { connections, firstConnection, connectionStep, connectInterval } = this.#plan;
    const start = performance.now();
    const opening = new Set<Promise<void>>();
    const failures: unknown[] = [];
    for (let i = 0; i < connections; i++) {
      await pause(start + i * connectInterval - performance.now(), this.#signal);
      if (this.#signal.aborted) break;
      const number = firstConnection + i * connectionStep;
      const opened = this.#open(number).catch((error) => {
        failures.push(error);
        this.#cannotConnect(number, error);
        this.#whileOpening(this.#replace(number));
      });
      opening.add(opened);
      opened.then(() => opening.delete(opened));
      if (opening.size >= MAX_OPENING) await Promise.race([...opening, this.#done.promise]);
    }
    await Promise.race([Promise.all(opening), this.#done.promise]);
    const none = failures.length === connections && this.#flows.size === 0;
    if (none && !this.#signal.aborted) throw failures[0];
  }

  async #open(number: number): Promise<void> {
    const { load: { endpoint, reconnect }, interval } = this.#plan;
    let flow: LoadConnection;
    if (endpoint.scheme === "udp") {
      const datagrams = new DatagramConnection(number, this.#settings, this);
      await datagrams.open(endpoint);
      flow = datagrams;
    } else if (reconnect) {
      const reconnecting = new ReconnectingConnection(
        number,
        () => this.#dial(endpoint),
        (conn, events) => new StreamConnection(number, conn, this.#settings, events),
        interval > 0,
        this,
      );
      await reconnecting.open();
      flow = reconnecting;
    } else {
      flow = new StreamConnection(number, await this.#dial(endpoint), this.#settings, this);
    }
    this.#flows.set(flow, number);
    if (this.#schedule !== undefined) this.#fill(flow);
  }

  async #dial(endpoint: StreamEndpoint): Promise<Stream> {
    const { tls, load: { timeout } } = this.#plan;
    const start = performance.now();
    const dialling = dial(endpoint, { timeout, tls, signal: this.#givingUp.signal });
    const conn = await this.#whileOpening(dialling);
    if (this.#ending.signal.aborted) {
      conn.close();
      throw this.#ending.signal.reason;
    }
    this.#result.connects.record(performance.now() - start);
    this.#result.connections++;
    this.#refusedSince = undefined;
    return conn;
  }

  #whileOpening<T>(opening: Promise<T>): Promise<T> {
    const done = () => this.#opening.delete(opening);
    this.#opening.add(opening);
    opening.then(done, done);
    return opening;
  }

  /** Opens a connection for one that has ended or could not be opened. */
  async #replace(number: number): Promise<void> {
    for (let wait = RETRY;; wait = Math.min(2 * wait, MAX_RETRY)) {
      await pause(wait, this.#ending.signal);
      if (this.#isOver()) return;
      try {
        return await this.#open(number);
      } catch (error) {
        this.#cannotConnect(number, error);
      }
    }
  }

  #isOver(): boolean {
    return this.#ending.signal.aborted || this.#schedule?.isOver(performance.now()) === true;
  }

  #cannotConnect(number: number, error: unknown): void {
    if (this.#ending.signal.aborted) return;
    if (error instanceof EndpointError) this.#count(number, "connect", reason(error.cause));
    else this.#done.reject(error);
  }

  #count(number: number, kind: LoadErrorKind, what: string): void {
    if (kind === "connect") this.#refusedSince ??= performance.now();
    this.#result.errors[kind]++;
    if (this.#result.errors[kind] > MAX_EXAMPLES) return;
    this.#result.examples.push({ kind, connection: number, what });
  }

  /** Sends on a flow what is due, as much as it may have under way. */
  #fill(flow: LoadConnection): void {
    const now = performance.now();
    for (let i = flow.underWay; i < this.#plan.load.pipeline; i++) this.#next(flow, now);
  }

  /** Sends the next message on a flow, or notes that it could. */
  #next(flow: LoadConnection, now: number): void {
    const due = this.#schedule?.take(now);
    if (due !== undefined) return this.#send(flow, due);
    if (this.#plan.interval > 0) {
      this.#free.push(flow);
      if (this.#free.length === 1) this.#freed.resolve();
    }
    this.#checkDone(now);
  }

  #send(flow: LoadConnection, due: number): void {
    this.#underWay++;
    if (this.#counts(due)) this.#sent++;
    flow.send(due);
  }

  #counts(due: number): boolean {
    return this.#schedule !== undefined && due >= this.#schedule.countFrom;
  }

  /** Sends messages when they are due, as long as there are free connections. */
  async #sendWhenDue(schedule: Schedule): Promise<void> {
    const { setImmediate } = await import("node:timers");
    for (;;) {
      const now = performance.now();
      if (this.#signal.aborted || schedule.isOver(now)) return;
      while (this.#free.length > 0) {
        const [flow] = this.#free;
        if (flow === undefined || !this.#flows.has(flow)) {
          this.#free.shift();
          continue;
        }
        const due = schedule.take(now);
        if (due === undefined) break;
        this.#free.shift();
        this.#send(flow, due);
      }
      const wait = Math.min(schedule.next, schedule.end) - performance.now();
      if (this.#free.length === 0) {
        this.#freed = Promise.withResolvers();
        await this.#freed.promise;
      } else if (wait > TIMER_SLACK) {
        await pause(wait - TIMER_SLACK, this.#ending.signal);
      } else {
        await new Promise<void>((resolve) => void setImmediate(resolve));
      }
    }
  }

  onAnswer(flow: LoadConnection, due: number, from: number, now: number): void {
    this.#underWay--;
    if (this.#counts(due)) {
      this.#result.messages.right++;
      this.#result.latencies.record(now - from);
      this.#lastAnswer = now;
    }
    if (flow.isOpen) this.#next(flow, now);
    else this.#checkDone(now);
  }

  onFailure(flow: LoadConnection, due: number): void {
    this.#failed(due);
    this.#next(flow, performance.now());
  }

  onError(flow: LoadConnection, kind: LoadErrorKind, what: string): void {
    this.#count(this.#flows.get(flow) ?? 0, kind, what);
  }

  onEnd(flow: LoadConnection, due: readonly number[]): void {
    const number = this.#flows.get(flow) ?? 0;
    this.#flows.delete(flow);
    for (const each of due) this.#failed(each);
    this.#checkDone(performance.now());
    this.#whileOpening(this.#replace(number));
  }

  #failed(due: number): void {
    this.#underWay--;
    if (this.#counts(due)) this.#result.messages.failed++;
  }

  #look(): void {
    const now = performance.now();
    for (const flow of this.#flows.keys()) {
      flow.checkTimeout(lookInterval(this.#plan.load.timeout || 1000));
    }
    if (this.#schedule === undefined) return;
    // Where the server does not come back, messages that are counted would never all be sent.
    const { timeout, reconnect, messages, duration } = this.#plan.load;
    const endless = messages > 0 && duration === 0;
    const refused = now - (this.#refusedSince ?? now);
    if (endless && timeout > 0 && refused >= timeout && (reconnect || this.#flows.size === 0)) {
      this.#result.gaveUp = true;
      this.#schedule.stop(now);
    }
    this.#checkDone(now);
  }

  #checkDone(now: number): void {
    if (this.#underWay === 0 && this.#schedule?.isOver(now)) this.#finish();
  }

  #finish(): void {
    this.#done.resolve();
    this.#freed.resolve();
  }
}
