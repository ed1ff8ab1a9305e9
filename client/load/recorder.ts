import { hasConnections } from "../../net/transports.ts";
import {
  addProgress,
  emptyInterval,
  type LoadErrorKind,
  type LoadInterval,
  type LoadProgress,
  type LoadResult,
  MAX_EXAMPLES,
  SECOND,
} from "./result.ts";
import type { Schedule } from "./schedule.ts";

/** Fills in the result of a load while it runs. Times are by `performance.now()`. */
export class Recorder {
  underWay = 0;
  #countFrom = Infinity;
  #lastAnswer = 0;

  /** @param warmUp records messages of the warm-up, so that V8 compiles this code in it */
  constructor(readonly result: LoadResult, private readonly warmUp: LoadResult) {}

  /** Messages that are due before `countFrom` do not count. */
  started(countFrom: number): void {
    this.#countFrom = countFrom;
  }

  opened(address: string | undefined, time: number): void {
    this.reached(address);
    this.result.connections++;
    this.result.connects.record(time);
  }

  reached(address: string | undefined): void {
    this.result.address ??= address;
  }

  bytesSent(bytes: number): void {
    this.result.bytes.sent += bytes;
  }

  bytesReceived(bytes: number): void {
    this.result.bytes.received += bytes;
  }

  sent(due: number): void {
    this.underWay++;
    this.#resultAt(due).messages.sent++;
  }

  answered(due: number, now: number): void {
    this.underWay--;
    const result = this.#resultAt(due);
    const latency = now - due;
    const second = this.#secondAt(now, result);
    second.messages++;
    if (latency > second.max) second.max = latency;
    result.messages.right++;
    result.latencies.record(latency);
    if (result === this.result) this.#lastAnswer = now;
  }

  failed(due: number): void {
    this.underWay--;
    this.#resultAt(due).messages.failed++;
  }

  error(kind: LoadErrorKind, connection: number, what: string): void {
    const now = performance.now();
    this.#secondAt(now, this.#resultAt(now)).errors++;
    this.result.errors[kind]++;
    if (this.result.errors[kind] > MAX_EXAMPLES) return;
    const name = hasConnections(this.result.plan.endpoint) ? "connection" : "socket";
    this.result.examples.push(`${kind}: ${name} ${connection}: ${what}`);
  }

  #resultAt(time: number): LoadResult {
    return time < this.#countFrom ? this.warmUp : this.result;
  }

  #secondAt(now: number, { intervals }: LoadResult): LoadInterval {
    const index = Math.max(0, Math.floor((now - this.#countFrom) / SECOND));
    return intervals[index] ??= emptyInterval();
  }

  progress(): LoadProgress {
    const elapsed = Math.max(0, performance.now() - this.#countFrom);
    return addProgress([{ ...this.result, elapsed }]);
  }

  /** Completes the result. */
  ended(schedule: Schedule): void {
    const { messages, plan } = this.result;
    messages.waiting = messages.sent - messages.right - messages.failed;
    messages.missed = schedule.missed;
    const ranOut = schedule.ranOut && this.#lastAnswer > 0;
    // Five messages at one a second take five seconds, though the fifth comes back after four.
    const due = plan.rate > 0 ? this.#countFrom + plan.messages / plan.rate * 1000 : 0;
    const end = Math.max(this.#lastAnswer, ranOut ? due : schedule.end);
    const sinceWarmUp = performance.now() - this.#countFrom;
    if (sinceWarmUp >= 0) this.result.started = new Date(Date.now() - sinceWarmUp);
    this.result.elapsed = Math.max(0, end - this.#countFrom);
  }
}
