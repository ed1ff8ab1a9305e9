// Which probe an answer belongs to.
import { describeDifference, mostLike, type Outcome } from "./difference.ts";
import type { Messages } from "./messages.ts";

/**
 * How many probes are remembered, besides those that wait for their answer:
 * fewer than there are different messages.
 */
const REMEMBERED = 128;

/** A probe that was sent. */
export interface Probe {
  readonly number: number;
  /** When it was sent, by `performance.now()`. */
  readonly sentAt: number;
  state: "waiting" | "lost" | "answered";
}

/** What an answer is. */
export interface ProbeAnswer {
  readonly probe: Probe;
  readonly outcome: Outcome;
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
  send(number: number, sentAt: number): Probe {
    const probe: Probe = { number, sentAt, state: "waiting" };
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
  receive(bytes: Uint8Array): ProbeAnswer | undefined {
    const all = [...this.#probes.values()];
    const open = all.filter(({ state }) => state !== "answered");
    const equal = [...open, ...all].find((probe) => this.#difference(probe, bytes) === undefined);
    const probe = equal ?? mostLike(bytes, this.waiting, ({ number }) => this.#messages.at(number));
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
}
