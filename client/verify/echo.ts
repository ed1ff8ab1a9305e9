// What connect() compares.
import { describeChange, describeDifference, describeUnexpected, serverHint } from "./diagnosis.ts";

/** How many answered datagrams are remembered, to recognise a repeated answer. */
const REMEMBERED = 64;

/** Compares a stream with what was sent, of which it holds what is under way. */
export class StreamVerifier {
  readonly #chunks: Uint8Array[] = [];
  /** How much of the first chunk has returned. */
  #position = 0;
  /** How many bytes were sent and have not returned. */
  missing = 0;
  #returned = 0;

  /** Registers bytes before they are sent. They must not change afterwards. */
  send(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.missing += bytes.length;
  }

  /** Returns a description of the first difference, if any. */
  receive(bytes: Uint8Array): string | undefined {
    let compared = 0;
    while (compared < bytes.length) {
      const [expected] = this.#chunks;
      if (expected === undefined) return describeUnexpected(this.#returned, bytes);
      const length = Math.min(bytes.length - compared, expected.length - this.#position);
      for (let i = 0; i < length; i++) {
        const was = expected[this.#position + i];
        const is = bytes[compared + i];
        if (was === is) continue;
        const offset = this.#returned + i;
        const hint = offset === 0 ? serverHint(bytes) : "";
        return `the echo ${describeChange(offset, was, is)}${hint}`;
      }
      compared += length;
      this.#returned += length;
      this.missing -= length;
      this.#position += length;
      if (this.#position < expected.length) continue;
      this.#chunks.shift();
      this.#position = 0;
    }
    return undefined;
  }
}

/** Compares datagrams that came back with those that were sent. */
export class DatagramVerifier {
  /** Those that have not come back, in the order in which they were sent. */
  readonly #waiting: { readonly number: number; readonly bytes: Uint8Array }[] = [];
  readonly #answered: Uint8Array[] = [];
  readonly #counts = { corrupted: 0, repeated: 0, reordered: 0 };
  /** The greatest number of those that have come back. */
  #latest = 0;
  sent = 0;
  received = 0;
  readonly bytes = { sent: 0, received: 0 };

  /** How many datagrams did not come back, not even corrupted. */
  get missing(): number {
    return Math.max(0, this.#waiting.length - this.#counts.corrupted);
  }

  get errors() {
    return { lost: this.missing, ...this.#counts };
  }

  /** Registers a datagram before it is sent. It must not change afterwards. */
  send(bytes: Uint8Array): void {
    this.#waiting.push({ number: ++this.sent, bytes });
    this.bytes.sent += bytes.length;
  }

  receive(bytes: Uint8Array): void {
    this.received++;
    this.bytes.received += bytes.length;
    const isEqual = (other: Uint8Array) => describeDifference(other, bytes) === undefined;
    const index = this.#waiting.findIndex((sent) => isEqual(sent.bytes));
    const [answered] = index === -1 ? [] : this.#waiting.splice(index, 1);
    if (answered === undefined) {
      this.#counts[this.#answered.some(isEqual) ? "repeated" : "corrupted"]++;
      return;
    }
    this.#answered.push(answered.bytes);
    if (this.#answered.length > REMEMBERED) this.#answered.shift();
    if (answered.number < this.#latest) this.#counts.reordered++;
    else this.#latest = answered.number;
  }
}
