import { describeDifference } from "./diagnosis.ts";
import type { Messages } from "./messages.ts";

/** The bytes at the head of a probe that carry its number, if it is that long. */
const NUMBER = 4;

/** How many probes are remembered besides those that wait. */
const REMEMBERED = 1024;

/** A message with a number, which its answer carries: one of ping, or of load over UDP. */
export interface Probe {
  readonly number: number;
  /** When it was sent or due, by `performance.now()`. */
  readonly due: number;
  state: "waiting" | "lost" | "answered";
}

/** Assigns answers to probes that wait, and to the last ones that did. */
export class Probes {
  readonly #sent = new Map<number, Probe>();
  #last = 0;
  waitingCount = 0;

  constructor(private readonly messages: Messages) {}

  get waiting(): Probe[] {
    return [...this.#sent.values()].filter(({ state }) => state === "waiting");
  }

  /** Registers a probe before it is sent; its number must be greater than the last. */
  send(number: number, due: number): Probe {
    const probe: Probe = { number, due, state: "waiting" };
    this.#sent.set(number, probe);
    this.#last = number;
    this.waitingCount++;
    for (const { number, state } of this.#sent.values()) {
      if (this.#sent.size - this.waitingCount <= REMEMBERED) break;
      if (state !== "waiting") this.#sent.delete(number);
    }
    return probe;
  }

  bytesOf({ number }: Probe): Uint8Array<ArrayBuffer> {
    const bytes = this.messages.at(number).slice();
    for (let i = 0; i < Math.min(NUMBER, bytes.length); i++) bytes[i] = number >>> (8 * i);
    return bytes;
  }

  /**
   * Assigns an answer to the probe that it equals, or, as corrupted, to the most similar one that
   * waits, with how it differs. It is `late` if the probe was lost before.
   *
   * @returns undefined if there is no such probe
   */
  receive(bytes: Uint8Array) {
    const named = this.#sent.get(this.#numberOf(bytes));
    if (named !== undefined && describeDifference(this.bytesOf(named), bytes) === undefined) {
      const outcomes = { waiting: "right", lost: "late", answered: "repeated" } as const;
      const outcome = outcomes[named.state];
      this.#settle(named, "answered");
      return { probe: named, outcome, difference: undefined };
    }
    const candidates = named === undefined ? this.waiting : [...this.waiting, named];
    const [probe] = candidates.toSorted((a, b) =>
      this.#inCommon(b, bytes) - this.#inCommon(a, bytes)
    );
    // Each probe has one result: a further answer that differs belongs to none.
    if (probe?.state !== "waiting") return undefined;
    this.#settle(probe, "answered");
    const difference = describeDifference(this.bytesOf(probe), bytes);
    return { probe, outcome: "corrupted" as const, difference };
  }

  /** Whether probes wait, and none without an answer has one that begins like this. */
  isWrong(beginning: Uint8Array): boolean {
    return this.waitingCount > 0 &&
      ![...this.#sent.values()].some((probe) =>
        probe.state !== "answered" && this.#inCommon(probe, beginning) === beginning.length
      );
  }

  giveUp(probe: Probe): void {
    this.#settle(probe, "lost");
  }

  #settle(probe: Probe, state: "lost" | "answered"): void {
    if (probe.state === "waiting") this.waitingCount--;
    probe.state = state;
  }

  /** How many bytes a probe and an answer have in common. */
  #inCommon(probe: Probe, bytes: Uint8Array): number {
    const sent = this.bytesOf(probe);
    return bytes.filter((byte, i) => byte === sent[i]).length;
  }

  /** Of several probes with the same head, the one that has waited the longest, or the latest. */
  #numberOf(bytes: Uint8Array): number {
    const width = Math.min(NUMBER, bytes.length, this.messages.size);
    let number = 0;
    for (let i = 0; i < width; i++) number += (bytes[i] ?? 0) * 256 ** i;
    const wrap = 256 ** width;
    const latest = this.#last - (((this.#last - number) % wrap) + wrap) % wrap;
    let found = latest;
    for (let earlier = latest; this.#sent.has(earlier); earlier -= wrap) {
      if (this.#sent.get(earlier)?.state === "waiting") found = earlier;
    }
    return found;
  }
}
