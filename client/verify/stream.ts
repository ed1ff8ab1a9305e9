import { describeChange, describeUnexpected } from "./diagnosis.ts";

/** Chunks are dropped together: each time, all that follow have to move up. */
const FORGET_AT_ONCE = 64;

/** Compares a stream with what was sent, of which it holds what is under way. */
export class StreamVerifier {
  readonly #chunks: Uint8Array[] = [];
  /** The index of the first chunk under way, and how much of it has returned. */
  #first = 0;
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
      const expected = this.#chunks[this.#first];
      if (expected === undefined) return describeUnexpected(this.#returned);
      const length = Math.min(bytes.length - compared, expected.length - this.#position);
      for (let i = 0; i < length; i++) {
        const was = expected[this.#position + i];
        const is = bytes[compared + i];
        if (was !== is) return `the echo ${describeChange(this.#returned + i, was, is)}`;
      }
      compared += length;
      this.#returned += length;
      this.missing -= length;
      this.#position += length;
      if (this.#position === expected.length) this.#forgetFirst();
    }
    return undefined;
  }

  #forgetFirst(): void {
    this.#position = 0;
    this.#first++;
    if (this.#first < FORGET_AT_ONCE) return;
    this.#chunks.splice(0, this.#first);
    this.#first = 0;
  }
}
