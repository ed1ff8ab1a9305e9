/**
 * Messages over a connection.
 *
 * @module
 */
import { lookInterval, Traffic } from "../../net/traffic.ts";
import { reason } from "../../errors/reason.ts";
import type { ReadTurns } from "../../net/read_turns.ts";
import type { Stream } from "../../net/stream.ts";
import { describeChange } from "../verify/difference.ts";
import type { Exchange } from "../streams.ts";
import type { Flow, FlowEvents, FlowSettings } from "./connection.ts";
import type { Messages } from "../verify/messages.ts";
import type { LoadErrorKind } from "./result.ts";

/** Messages are put together to writes of this many bytes at most, where several wait. */
const MAX_WRITE = 64 * 1024;

/** How much more than what is due may be read at once, so that a surplus shows, in bytes. */
const SPARE = 1024;

/** The most that is read at once, in bytes. */
const MAX_READ = 256 * 1024;

/** How many bytes have to be as expected to be no coincidence, and how many are looked at. */
const EVIDENCE = 4;
const MAX_EVIDENCE = 64;

/** How many lost bytes in a row are looked for. */
const MAX_GAP = 4096;

/** How long to wait for what should not come any more, in milliseconds. */
const FINISH_WITHIN = 1000;

/**
 * A connection that carries messages. This is the hot path of the load: a
 * round trip is one write, one read and one look at the clock.
 */
export class StreamFlow implements Flow {
  readonly #conn: Stream;
  readonly #messages: Messages;
  readonly #bytes: Exchange;
  readonly #events: FlowEvents;
  readonly #turns: ReadTurns;
  /** How many looks without traffic are too many; Infinity: none. */
  readonly #patience: number;
  readonly #traffic = new Traffic();
  readonly #buffer: Uint8Array<ArrayBuffer>;
  /** When the messages under way were due, in a ring. */
  readonly #due: Float64Array;
  /** The number of the first message, so that connections differ. */
  readonly #first: number;
  /** How many messages were handed over, written and answered. */
  #sent = 0;
  #written = 0;
  #answered = 0;
  /** How much of the present answer has come. */
  #position = 0;
  /** What is being written, and how many messages that is. */
  #writing: Uint8Array<ArrayBuffer> | undefined;
  #writingMessages = 0;
  #open = true;
  readonly #finished = Promise.withResolvers<void>();

  /** @param first the number of the first message, so that connections differ */
  constructor(conn: Stream, first: number, settings: FlowSettings, events: FlowEvents) {
    const { messages, pipeline, timeout, bytes, turns } = settings;
    this.#conn = conn;
    this.#first = first;
    this.#messages = messages;
    this.#bytes = bytes;
    this.#turns = turns;
    this.#events = events;
    this.#patience = timeout === 0 ? Infinity : timeout / lookInterval(timeout);
    this.#due = new Float64Array(pipeline);
    this.#buffer = new Uint8Array(Math.min(messages.size * pipeline + SPARE, MAX_READ));
    turns.readers++;
    this.#receive().catch((error) => {
      this.#end("broken", `${reason(error)}, at offset ${this.#offset}`);
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  get underWay(): number {
    return this.#sent - this.#answered;
  }

  send(due: number): void {
    this.#due[this.#sent % this.#due.length] = due;
    this.#sent++;
    if (this.#writing === undefined) this.#write();
  }

  look(): void {
    if (!this.#open || this.underWay === 0) return;
    if (this.#traffic.look() < this.#patience) return;
    const { size } = this.#messages;
    const what = this.#position === 0
      ? "no answer came"
      : `only ${this.#position} of ${size} bytes came`;
    this.#end("lost", `${what}, at offset ${this.#offset}`);
  }

  async finish(): Promise<void> {
    if (!this.#open) return;
    const tooLong = setTimeout(() => this.#finished.resolve(), FINISH_WITHIN);
    this.#conn.closeWrite().catch(() => {});
    await this.#finished.promise;
    clearTimeout(tooLong);
    this.close();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#turns.readers--;
    this.#conn.close();
    this.#finished.resolve();
  }

  /** How many bytes have come back as they were sent. */
  get #offset(): number {
    return this.#answered * this.#messages.size + this.#position;
  }

  #message(index: number): Uint8Array<ArrayBuffer> {
    return this.#messages.at(this.#first + index);
  }

  #write(): void {
    const { size } = this.#messages;
    const waiting = Math.min(this.#sent - this.#written, Math.floor(MAX_WRITE / size) || 1);
    this.#writingMessages = waiting;
    this.#writing = this.#message(this.#written);
    if (waiting > 1) {
      this.#writing = new Uint8Array(waiting * size);
      for (let i = 0; i < waiting; i++) {
        this.#writing.set(this.#message(this.#written + i), i * size);
      }
    }
    this.#conn.write(this.#writing).then(this.#onWritten, this.#onWriteFailed);
  }

  readonly #onWritten = (length: number): void => {
    this.#traffic.sent += length;
    this.#bytes.sent += length;
    const bytes = this.#writing;
    if (bytes !== undefined && length < bytes.length) {
      this.#writing = bytes.subarray(length);
      this.#conn.write(this.#writing).then(this.#onWritten, this.#onWriteFailed);
      return;
    }
    this.#writing = undefined;
    this.#written += this.#writingMessages;
    if (this.#written < this.#sent && this.#open) this.#write();
  };

  // Why it broke, the next read says; and what still comes back should be read.
  readonly #onWriteFailed = (): void => {};

  async #receive(): Promise<void> {
    const { size } = this.#messages;
    const buffer = this.#buffer;
    for (;;) {
      // Even where there is no turn to wait for, all that is due on other connections
      // is written before the next read: 7 % more round trips.
      await (this.#turns.crowded ? this.#turns.next() : undefined);
      const length = await this.#conn.read(buffer);
      if (!this.#open) return;
      if (length === null) return this.#ended();
      const now = performance.now();
      this.#traffic.received += length;
      this.#bytes.received += length;
      for (let at = 0; at < length;) {
        if (this.#answered === this.#sent) return this.#end(...this.#surplus(at, length));
        const expected = this.#message(this.#answered);
        const position = this.#position;
        const part = Math.min(length - at, size - position);
        for (let i = 0; i < part; i++) {
          if (buffer[at + i] !== expected[position + i]) {
            this.#position += i;
            return this.#differs(buffer.subarray(at + i, length));
          }
        }
        at += part;
        this.#position += part;
        if (this.#position < size) break;
        const due = this.#due[this.#answered % this.#due.length] ?? now;
        this.#position = 0;
        this.#answered++;
        const isSurplus = at < length && this.#answered === this.#sent;
        // Ended first, so that no other message is sent on it.
        if (isSurplus) this.#end(...this.#surplus(at, length));
        this.#events.onAnswer(this, due, due, now);
        if (!this.#open) return;
      }
    }
  }

  /** The server has ended the connection. */
  #ended(): void {
    if (this.underWay === 0) return this.#end();
    const { size } = this.#messages;
    const part = this.#position === 0
      ? `${this.underWay === 1 ? "1 message was" : `${this.underWay} messages were`} under way`
      : `only ${this.#position} of ${size} bytes of an answer had come`;
    this.#end("broken", `the server ended it at offset ${this.#offset}, ${part}`);
  }

  /** Says what came when nothing was under way. */
  #surplus(from: number, to: number): [LoadErrorKind, string] {
    const bytes = this.#buffer.subarray(from, to);
    if (this.#isRepeated(bytes)) return ["repeated", this.#repetition()];
    return ["surplus", `bytes came that were not sent, from offset ${this.#offset} on`];
  }

  /** The bytes from the first one on that is not as it was sent. */
  #differs(bytes: Uint8Array): void {
    if (this.#position === 0 && this.#isRepeated(bytes)) {
      return this.#end("repeated", this.#repetition());
    }
    const lost = this.#lostBefore(bytes);
    if (lost !== undefined) {
      const what = lost === 1 ? "1 byte" : `${lost} bytes`;
      return this.#end("lost", `${what} did not come back, from offset ${this.#offset} on`);
    }
    const was = this.#message(this.#answered)[this.#position] ?? 0;
    this.#end("altered", describeChange(this.#offset, was, bytes[0] ?? 0));
  }

  #isRepeated(bytes: Uint8Array): boolean {
    if (this.#answered === 0) return false;
    const last = this.#message(this.#answered - 1);
    const length = Math.min(bytes.length, last.length);
    return isEqual(bytes.subarray(0, length), last.subarray(0, length));
  }

  #repetition(): string {
    const { size } = this.#messages;
    return `the ${size} bytes from offset ${(this.#answered - 1) * size} on came back twice`;
  }

  /** How many bytes are missing before these; undefined where that is not it. */
  #lostBefore(bytes: Uint8Array): number | undefined {
    const restOfAnswer = this.#messages.size - this.#position;
    for (let gap = 1; gap <= MAX_GAP; gap++) if (this.#isGap(gap, bytes)) return gap;
    return this.#isGap(restOfAnswer, bytes) ? restOfAnswer : undefined;
  }

  /** Whether these bytes are what was to come after so many others. */
  #isGap(gap: number, bytes: Uint8Array): boolean {
    let evidence = 0;
    for (; evidence < Math.min(bytes.length, MAX_EVIDENCE); evidence++) {
      const expected = this.#byteAhead(gap + evidence);
      if (expected === undefined) break;
      if (expected !== bytes[evidence]) return false;
    }
    return evidence >= EVIDENCE;
  }

  /** The byte that is to come after so many others; undefined beyond what was sent. */
  #byteAhead(count: number): number | undefined {
    const { size } = this.#messages;
    const index = this.#answered + Math.floor((this.#position + count) / size);
    return index < this.#sent ? this.#message(index)[(this.#position + count) % size] : undefined;
  }

  #end(kind?: LoadErrorKind, what = ""): void {
    if (!this.#open) return;
    this.close();
    if (kind !== undefined) this.#events.onError(this, kind, what);
    const due = Array.from(
      { length: this.underWay },
      (_, i) => this.#due[(this.#answered + i) % this.#due.length] ?? 0,
    );
    this.#answered = this.#sent;
    this.#events.onEnd(this, due);
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
