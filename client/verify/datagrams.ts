/** How many answered datagrams are remembered, to recognise a repeated answer. */
const REMEMBERED = 64;

/** Compares datagrams that came back with those that were sent. */
export class DatagramVerifier {
  /** Those that have not come back, in the order in which they were sent. */
  readonly #waiting: { readonly number: number; readonly bytes: Uint8Array }[] = [];
  readonly #answered: Uint8Array[] = [];
  readonly #counts = { corrupted: 0, repeated: 0, reordered: 0 };
  /** The greatest number of those that have come back. */
  #latest = 0;
  sent = 0;

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
  }

  receive(bytes: Uint8Array): void {
    // From the end: those at the beginning may be lost.
    const index = this.#waiting.findLastIndex((sent) => isEqual(sent.bytes, bytes));
    const [answered] = index === -1 ? [] : this.#waiting.splice(index, 1);
    if (answered === undefined) {
      const isRepeated = this.#answered.some((earlier) => isEqual(earlier, bytes));
      this.#counts[isRepeated ? "repeated" : "corrupted"]++;
      return;
    }
    this.#answered.push(answered.bytes);
    if (this.#answered.length > REMEMBERED) this.#answered.shift();
    if (answered.number < this.#latest) this.#counts.reordered++;
    else this.#latest = answered.number;
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
