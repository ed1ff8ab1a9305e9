/**
 * Probes that were sent, and which of them an answer belongs to.
 *
 * @module
 */
import { describeDifference } from "./difference.ts";
import type { Messages } from "./messages.ts";

/**
 * How many probes are remembered, besides those that wait for their answer:
 * fewer than there are different messages.
 */
const REMEMBERED = 128;

/** A probe that was sent. */
export interface Probe {
  readonly number: number;
  /** When it was sent, from `performance.now()`. */
  readonly sentAt: number;
  state: "waiting" | "given up" | "answered";
}

/** What an answer is. */
export interface Answer {
  readonly probe: Probe;
  readonly outcome: "right" | "late" | "altered" | "repeated";
  /** How an altered one differs from the probe, in words. */
  readonly difference?: string;
}

/** Remembers probes that wait for their answer, and the last ones that do not. */
export class Probes {
  readonly #messages: Messages;
  readonly #probes = new Map<number, Probe>();

  constructor(messages: Messages) {
    this.#messages = messages;
  }

  /** The probes that have neither been answered nor given up. */
  get waiting(): Probe[] {
    return [...this.#probes.values()].filter(({ state }) => state === "waiting");
  }

  /** Notes a probe that is about to be sent. */
  send(number: number): Probe {
    const probe: Probe = { number, sentAt: performance.now(), state: "waiting" };
    this.#probes.set(number, probe);
    const old = number - REMEMBERED;
    if (this.#probes.get(old)?.state !== "waiting") this.#probes.delete(old);
    return probe;
  }

  /**
   * Notes an answer. It belongs to the probe that it equals, one without an
   * answer first, or else to the one that waits and that it is most like.
   *
   * @returns undefined where there is no such probe
   */
  answer(bytes: Uint8Array): Answer | undefined {
    const all = [...this.#probes.values()];
    const open = all.filter(({ state }) => state !== "answered");
    const equal = [...open, ...all].find((probe) => this.#difference(probe, bytes) === undefined);
    const probe = equal ?? this.#mostLike(bytes, this.waiting);
    if (probe === undefined) return undefined;
    const { state } = probe;
    probe.state = "answered";
    if (state === "answered") return { probe, outcome: "repeated" };
    const difference = this.#difference(probe, bytes);
    if (difference !== undefined) return { probe, outcome: "altered", difference };
    return { probe, outcome: state === "waiting" ? "right" : "late" };
  }

  #difference({ number }: Probe, bytes: Uint8Array): string | undefined {
    return describeDifference(this.#messages.at(number), bytes);
  }

  #mostLike(bytes: Uint8Array, probes: readonly Probe[]): Probe | undefined {
    const likeness = ({ number }: Probe) => {
      const message = this.#messages.at(number);
      return bytes.reduce((equal, byte, i) => byte === message[i] ? equal + 1 : equal, 0);
    };
    return probes.toSorted((a, b) => likeness(b) - likeness(a))[0];
  }
}
