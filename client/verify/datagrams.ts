// Compares datagrams that came back with those that were sent.
import { createHash } from "node:crypto";

/** How often each thing happened that should not happen to a datagram. */
export interface DatagramErrors {
  lost: number;
  altered: number;
  repeated: number;
  reordered: number;
}

/** Remembers datagrams that were sent, and tells what became of them. */
export class DatagramVerifier {
  /** The numbers of the datagrams of a content that are still to come back. */
  #missing = new Map<string, number[]>();
  #sent = 0;
  #answered = 0;
  #altered = 0;
  #repeated = 0;
  #reordered = 0;
  #latest = 0;

  /** How many datagrams were sent. */
  get sent(): number {
    return this.#sent;
  }

  /** How many datagrams did not come back, those that came back altered left out. */
  get missing(): number {
    return Math.max(0, this.#sent - this.#answered - this.#altered);
  }

  /** Notes a datagram that is about to be sent. */
  send(bytes: Uint8Array): void {
    const content = digest(bytes);
    const missing = this.#missing.get(content);
    this.#sent++;
    if (missing === undefined) this.#missing.set(content, [this.#sent]);
    else missing.push(this.#sent);
  }

  /** Notes a datagram that came back. */
  receive(bytes: Uint8Array): void {
    const missing = this.#missing.get(digest(bytes));
    if (missing === undefined) {
      this.#altered++;
      return;
    }
    const number = missing.shift();
    if (number === undefined) {
      this.#repeated++;
      return;
    }
    this.#answered++;
    if (number < this.#latest) this.#reordered++;
    else this.#latest = number;
  }

  /** What went wrong so far. */
  get errors(): DatagramErrors {
    return {
      lost: this.missing,
      altered: this.#altered,
      repeated: this.#repeated,
      reordered: this.#reordered,
    };
  }
}

function digest(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("base64");
}
