import { Intervals } from "./intervals.ts";
import { type LoadErrorKind, type LoadProgress, type LoadResult, MAX_EXAMPLES } from "./result.ts";
import type { Schedule } from "./schedule.ts";

/** Fills in the result of a load while it runs. Times are by `performance.now()`. */
export class Recorder {
  underWay = 0;
  #intervals = new Intervals(Infinity);
  #countFrom = Infinity;
  #countFromDate = new Date(NaN);
  #lastAnswer = 0;

  constructor(readonly result: LoadResult) {}

  /** Messages that are due before `countFrom` do not count. */
  started(now: number, countFrom: number): void {
    this.#countFrom = countFrom;
    this.#intervals = new Intervals(countFrom);
    this.#countFromDate = new Date(Date.now() + countFrom - now);
  }

  opened(address: string | undefined, time: number): void {
    this.result.address ??= address;
    this.result.connections++;
    this.result.connects.record(time);
  }

  /** The address of a server without connections. */
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
    if (due >= this.#countFrom) this.result.messages.sent++;
  }

  /** @param from when the latency begins */
  answered(due: number, from: number, now: number): void {
    this.underWay--;
    if (due < this.#countFrom) return;
    this.result.messages.right++;
    const latency = now - from;
    this.result.latencies.record(latency);
    this.#intervals.answered(now, latency);
    this.#lastAnswer = now;
  }

  failed(due: number): void {
    this.underWay--;
    if (due >= this.#countFrom) this.result.messages.failed++;
  }

  /** A message that was right came back again, and so has failed. */
  repeated(due: number): void {
    if (due < this.#countFrom) return;
    this.result.messages.right--;
    this.result.messages.failed++;
  }

  error(kind: LoadErrorKind, connection: number, what: string): void {
    this.#intervals.failed(performance.now());
    this.result.errors[kind]++;
    if (this.result.errors[kind] > MAX_EXAMPLES) return;
    this.result.examples.push({ kind, connection, what });
  }

  progress(now: number): LoadProgress {
    const { connections, messages, bytes, errors } = this.result;
    const elapsed = Math.max(0, now - this.#countFrom);
    return structuredClone({ connections, messages, bytes, errors, elapsed });
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
    // A load that ends in its warm-up has not reached this date.
    if (this.#countFromDate <= new Date()) this.result.started = this.#countFromDate;
    this.result.elapsed = Math.max(0, end - this.#countFrom);
    this.result.intervals = this.#intervals.until(end);
  }
}
