// Compares datagrams that came back with those that were sent.
import { createHash } from "node:crypto";

/** Remembers datagrams that were sent, and tells what became of them. */
export class DatagramVerifier {
  /** The numbers of the datagrams of a content that are still to come back. */
  readonly #missing = new Map<string, number[]>();
  readonly #counts = { altered: 0, repeated: 0, reordered: 0 };
  #answered = 0;
  #latest = 0;

  sent = 0;

  /** How many datagrams did not come back, those that came back altered left out. */
  get missing(): number {
    return Math.max(0, this.sent - this.#answered - this.#counts.altered);
  }

  /** How often each thing happened that should not happen to a datagram. */
  get errors(): Readonly<Record<"lost" | "altered" | "repeated" | "reordered", number>> {
    return { lost: this.missing, ...this.#counts };
  }

  /** Notes a datagram that is about to be sent. */
  send(bytes: Uint8Array): void {
    const content = digest(bytes);
    const missing = this.#missing.get(content);
    this.sent++;
    if (missing === undefined) this.#missing.set(content, [this.sent]);
    else missing.push(this.sent);
  }

  receive(bytes: Uint8Array): void {
    const missing = this.#missing.get(digest(bytes));
    const number = missing?.shift();
    if (number === undefined) {
      this.#counts[missing === undefined ? "altered" : "repeated"]++;
      return;
    }
    this.#answered++;
    if (number < this.#latest) this.#counts.reordered++;
    else this.#latest = number;
  }
}

function digest(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("base64");
}
