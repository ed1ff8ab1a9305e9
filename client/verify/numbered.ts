// Which numbered datagram an answer belongs to.
import { describeDifference, mostLike, type Outcome } from "./difference.ts";
import type { Messages } from "./messages.ts";

/** How many bytes at the head of a datagram carry its number, where it has as many. */
const NUMBER = 4;

/** How many of the last datagrams are remembered, besides those that wait for their answer. */
const REMEMBERED = 1024;

/** A datagram that was sent. */
export interface NumberedDatagram {
  readonly number: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** When it was due, by `performance.now()`. */
  readonly due: number;
  /** For how long it has waited, in milliseconds, as far as it was waited for. */
  waited: number;
  state: "waiting" | "lost" | "answered";
}

/** What an answer is. */
export interface NumberedAnswer {
  readonly datagram: NumberedDatagram;
  readonly outcome: Outcome;
  /** How an altered one differs from the datagram, in words. */
  readonly difference?: string;
}

/** Remembers datagrams that begin with their number: those that wait, and the last ones. */
export class NumberedDatagrams {
  readonly #messages: Messages;
  readonly #datagrams = new Map<number, NumberedDatagram>();
  /** The number of the next one. */
  #next: number;
  #waiting = 0;

  /** @param first the number of the first one */
  constructor(messages: Messages, first: number) {
    this.#messages = messages;
    this.#next = first;
  }

  /** How many datagrams have neither been answered nor given up. */
  get waitingCount(): number {
    return this.#waiting;
  }

  /** Those datagrams. */
  get waiting(): NumberedDatagram[] {
    return [...this.#datagrams.values()].filter(({ state }) => state === "waiting");
  }

  /** Makes the next datagram, which is about to be sent. */
  send(due: number): NumberedDatagram {
    const number = this.#next++;
    const bytes = this.#messages.at(number).slice();
    for (let i = 0; i < Math.min(NUMBER, bytes.length); i++) bytes[i] = number >>> (8 * i);
    const datagram: NumberedDatagram = { number, bytes, due, waited: 0, state: "waiting" };
    this.#datagrams.set(number, datagram);
    this.#waiting++;
    this.#forget(this.#datagrams.get(number - REMEMBERED));
    return datagram;
  }

  /**
   * Notes an answer. It belongs to the datagram whose number it carries, where
   * it equals that, or else to the one that waits and that it is most like.
   *
   * @returns undefined where there is no such datagram
   */
  receive(bytes: Uint8Array): NumberedAnswer | undefined {
    const named = this.#datagrams.get(this.#numberOf(bytes));
    if (named !== undefined && describeDifference(named.bytes, bytes) === undefined) {
      const { state } = named;
      if (state === "answered") {
        this.giveUp(named); // It is wrong now, and each message is wrong once.
        return { datagram: named, outcome: "repeated" };
      }
      if (state === "lost") return { datagram: named, outcome: "late" };
      this.#settle(named, "answered");
      return { datagram: named, outcome: "right" };
    }
    const datagram = mostLike(bytes, this.waiting, (candidate) => candidate.bytes);
    if (datagram === undefined) return undefined;
    this.giveUp(datagram);
    return { datagram, outcome: "altered", difference: describeDifference(datagram.bytes, bytes) };
  }

  /** Waits for a datagram no longer. */
  giveUp(datagram: NumberedDatagram): void {
    this.#settle(datagram, "lost");
  }

  #settle(datagram: NumberedDatagram, state: "lost" | "answered"): void {
    if (datagram.state === "waiting") this.#waiting--;
    datagram.state = state;
    this.#forget(datagram);
  }

  /** Forgets a datagram that is not one of the last ones any more. */
  #forget(datagram: NumberedDatagram | undefined): void {
    if (datagram === undefined || datagram.state === "waiting") return;
    if (datagram.number <= this.#next - REMEMBERED) this.#datagrams.delete(datagram.number);
  }

  /**
   * The number of the datagram whose head is that of `bytes`: of several the one
   * that has waited the longest, or else the latest.
   */
  #numberOf(bytes: Uint8Array): number {
    const width = Math.min(NUMBER, bytes.length, this.#messages.size);
    let number = 0;
    for (let i = 0; i < width; i++) number += (bytes[i] ?? 0) * 256 ** i;
    const last = this.#next - 1;
    const wrap = 256 ** width;
    const latest = last - (((last - number) % wrap) + wrap) % wrap;
    let found = latest;
    for (let earlier = latest; this.#datagrams.has(earlier); earlier -= wrap) {
      if (this.#datagrams.get(earlier)?.state === "waiting") found = earlier;
    }
    return found;
  }
}
