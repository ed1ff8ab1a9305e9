import { isWithin } from "../../async/pause.ts";
import { reason } from "../../errors/reason.ts";
import type { Stream } from "../../net/stream.ts";
import { Traffic } from "../../net/traffic.ts";
import {
  describeSilence,
  describeUnexpected,
  diagnose,
  offsetOf,
  type StreamPosition,
} from "../verify/diagnosis.ts";
import { receiveBuffer, type Received } from "../verify/messages.ts";
import { type ConnectionSettings, firstMessage, type LoadConnection } from "./connection.ts";
import type { LoadErrorKind } from "./result.ts";

/** The most bytes of several messages in one write. */
const MAX_WRITE = 64 * 1024;

/** The room in the buffer for unexpected bytes. */
const SPARE = 1024;

const MAX_READ = 256 * 1024;

/** How long to wait for unexpected bytes at the end, in milliseconds. */
const FINISH_WITHIN = 1000;

/** The hot path of a load: a round trip is one write, one read and one look at the clock. */
export class StreamConnection implements LoadConnection {
  readonly #traffic = new Traffic();
  readonly #buffer: Received;
  /** When the messages under way were due, in a ring. */
  readonly #due: Float64Array;
  readonly #position: StreamPosition;
  /** How many messages were written or are in `#writing`. */
  #written = 0;
  #writing: Uint8Array<ArrayBuffer> | undefined;
  isOpen = true;
  readonly #receiving: Promise<void>;

  constructor(
    readonly number: number,
    private readonly conn: Stream,
    private readonly settings: ConnectionSettings,
  ) {
    const { messages, load: { pipeline }, scheduler } = settings;
    this.#position = { messages, first: firstMessage(number), sent: 0, answered: 0, partial: 0 };
    this.#due = new Float64Array(pipeline);
    this.#buffer = receiveBuffer(Math.min(messages.size * pipeline + SPARE, MAX_READ));
    scheduler.readers++;
    this.#receiving = this.#receive().catch((error) => {
      this.#end("broken", `${reason(error)}, at offset ${offsetOf(this.#position)}`);
    });
  }

  get #underWay(): number {
    return this.#position.sent - this.#position.answered;
  }

  send(due: number): void {
    this.#due[this.#position.sent % this.#due.length] = due;
    this.#position.sent++;
    if (this.#writing === undefined) this.#write();
  }

  checkTimeout(interval: number): void {
    if (!this.isOpen || this.#underWay === 0) return;
    const timeout = this.settings.load.timeout || Infinity;
    if (this.#traffic.idleTime(interval) < timeout) return;
    this.#end("lost", describeSilence(this.#position));
  }

  async finish(): Promise<void> {
    if (!this.isOpen) return;
    this.conn.closeWrite().catch(() => {});
    await isWithin(FINISH_WITHIN, this.#receiving);
    this.close();
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.settings.scheduler.readers--;
    this.conn.close();
  }

  #write(): void {
    const { messages, first, sent } = this.#position;
    const { size } = messages;
    const waiting = Math.min(sent - this.#written, Math.floor(MAX_WRITE / size) || 1);
    const next = first + this.#written;
    this.#written += waiting;
    this.#writing = messages.at(next);
    if (waiting > 1) {
      this.#writing = new Uint8Array(waiting * size);
      for (let i = 0; i < waiting; i++) this.#writing.set(messages.at(next + i), i * size);
    }
    this.conn.write(this.#writing).then(this.#onWritten, this.#onWriteFailed);
  }

  readonly #onWritten = (length: number): void => {
    this.settings.recorder.bytesSent(length);
    if (!this.isOpen) return;
    this.#traffic.sent += length;
    const writing = this.#writing;
    if (writing !== undefined && length < writing.length) {
      this.#writing = writing.subarray(length);
      this.conn.write(this.#writing).then(this.#onWritten, this.#onWriteFailed);
      return;
    }
    this.#writing = undefined;
    if (this.#written < this.#position.sent) this.#write();
  };

  // The next read reports why the connection broke.
  readonly #onWriteFailed = (): void => {};

  async #receive(): Promise<void> {
    const buffer = this.#buffer;
    const position = this.#position;
    const { messages, first } = position;
    const { size } = messages;
    const { recorder, load: { reconnect }, scheduler, events } = this.settings;
    for (;;) {
      // Awaiting undefined lets other connections write before the next read: 7 % more round trips.
      await (scheduler.isContended ? scheduler.next() : undefined);
      const length = await this.conn.read(buffer.bytes);
      if (!this.isOpen) return;
      if (length === null) {
        const what = `the server ended the connection; ${describeSilence(position)}`;
        return this.#underWay === 0 ? this.#end() : this.#end("broken", what);
      }
      const now = performance.now();
      this.#traffic.received += length;
      recorder.bytesReceived(length);
      for (let at = 0; at < length;) {
        if (position.answered === position.sent) return this.#wrong(at, length);
        const part = Math.min(length - at, size - position.partial);
        const number = first + position.answered;
        const equal = messages.countEqual(number, position.partial, buffer, at, part);
        at += equal;
        position.partial += equal;
        if (equal < part) return this.#wrong(at, length);
        if (position.partial < size) break;
        // Before the answer counts, which would send the next message.
        if (at < length && this.#underWay === 1) {
          const rest = buffer.bytes.subarray(at, length);
          return this.#end("unexpected", describeUnexpected(offsetOf(position), rest));
        }
        const due = this.#due[position.answered % this.#due.length] ?? now;
        position.partial = 0;
        position.answered++;
        recorder.answered(due, now);
        if (reconnect) this.close();
        events.onFree(this, now);
        if (!this.isOpen) return;
      }
    }
  }

  #wrong(from: number, to: number): void {
    const { kind, what } = diagnose(this.#position, this.#buffer.bytes.subarray(from, to));
    this.#end(kind, what);
  }

  #end(kind?: LoadErrorKind, what = ""): void {
    if (!this.isOpen) return;
    this.close();
    const { recorder, events } = this.settings;
    if (kind !== undefined) recorder.error(kind, this.number, what);
    while (this.#underWay > 0) {
      recorder.failed(this.#due[this.#position.answered++ % this.#due.length] ?? 0);
    }
    events.onEnd(this);
  }
}
