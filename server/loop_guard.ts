/**
 * Keeps two services that answer datagrams from answering each other for ever.
 *
 * A datagram that pretends to come from one echo service and goes to another
 * would go back and forth between them without end (CVE-1999-0103,
 * CVE-2024-2169). Nothing in it tells it from a client that sends the same
 * again and again; but a loop lives on answers, and a client does not. So a
 * source that repeats itself gets no answer for a moment, whatever it sends:
 * in a loop nothing is under way any more after that, however many datagrams
 * it was made of, and what still comes is from a client.
 *
 * @module
 */
import { RecentDatagrams } from "./recent_datagrams.ts";

/** Ports below this one belong to services, among them echo, not to clients. */
const FIRST_CLIENT_PORT = 1024;

/** After more repeats than this from one source it is put to the test. */
const REPEATS = 100;

/** Repeats count together as long as no such time, in milliseconds, is between two of them. */
const LONGEST_GAP = 2000;

/**
 * How long a test takes, in milliseconds. Somewhat less than the second after
 * which many a client that waits for its answer sends again: that is answered.
 */
const SILENCE = 900;

/** How long a source that went on through the silence is answered untested, in milliseconds. */
const TRUST = 60_000;

/** Goes on so soon after the silence, in milliseconds: a client that waits for its answers. */
const RESUMED = 5000;

/** The most repeats after which such a client, or a loop begun anew, is tested again. */
const MOST_REPEATS = 100_000;

/** How many sources that repeat themselves are remembered. */
const MAX_SUSPECTS = 10_000;

/** How many of them are looked at, when there are as many, for one that can be forgotten. */
const LOOKS = 8;

/** Why a datagram is not answered. */
export type Objection = "low_port" | "own_port" | "repeated";

/** The same in words. */
export const OBJECTIONS: Readonly<Record<Objection, string>> = {
  low_port: "from a port below 1024, where services are",
  own_port: "from a port of this server",
  repeated: "the same again and again: no answer for a second, should it be a loop",
};

/** A source that repeats itself. */
interface Suspect {
  repeats: number;
  /** When the last repeat came. */
  repeatedAt: number;
  /** How many repeats lead to the next test. */
  allowed: number;
  test?: {
    readonly end: number;
    /** Whether anything came late in the silence, which nothing in a loop does. */
    persisted: boolean;
  };
  trustedUntil: number;
}

/** Decides which datagrams a server answers (docs/architecture.md, "UDP loops"). */
export class LoopGuard {
  readonly #ownPorts: ReadonlySet<number>;
  readonly #recent = new RecentDatagrams();
  readonly #suspects = new Map<string, Suspect>();
  /** When the last test of any source ends. */
  #lastEnd = -Infinity;

  /** @param ownPorts the ports at which the server itself receives datagrams */
  constructor(ownPorts: Iterable<number>) {
    this.#ownPorts = new Set(ownPorts);
  }

  /**
   * Says why a datagram is not to be answered; undefined where it is.
   *
   * @param now the present time, from `performance.now()`
   */
  objection(
    bytes: Uint8Array,
    address: string,
    port: number,
    now: number,
  ): Objection | undefined {
    if (port < FIRST_CLIENT_PORT) return "low_port";
    if (this.#ownPorts.has(port)) return "own_port";
    const repeated = this.#recent.repeats(bytes, address, port, now);
    if (!repeated && now >= this.#lastEnd) return undefined;
    const source = `${address} ${port}`;
    const suspect = this.#suspects.get(source) ??
      (repeated ? this.#suspect(source, now) : undefined);
    if (suspect === undefined || this.#answers(suspect, repeated, now)) return undefined;
    return "repeated";
  }

  #answers(suspect: Suspect, repeated: boolean, now: number): boolean {
    const { test } = suspect;
    if (test !== undefined && now < test.end) {
      if (now >= test.end - SILENCE / 2) test.persisted = true;
      return false;
    }
    if (test !== undefined) {
      suspect.test = undefined;
      judge(suspect, test, now);
    }
    if (!repeated || now < suspect.trustedUntil) return true;
    suspect.repeats = now - suspect.repeatedAt < LONGEST_GAP ? suspect.repeats + 1 : 1;
    suspect.repeatedAt = now;
    if (suspect.repeats <= suspect.allowed) return true;
    suspect.repeats = 0;
    this.#lastEnd = now + SILENCE;
    suspect.test = { end: this.#lastEnd, persisted: false };
    return false;
  }

  /** Remembers a source, unless there are too many that repeat themselves right now. */
  #suspect(source: string, now: number): Suspect | undefined {
    if (this.#suspects.size >= MAX_SUSPECTS && !this.#forgetOne(now)) return undefined;
    const suspect = { repeats: 0, repeatedAt: now, allowed: REPEATS, trustedUntil: -Infinity };
    this.#suspects.set(source, suspect);
    return suspect;
  }

  /**
   * Makes room. Only those that are quiet have to go: if the oldest had to, many
   * sources in turn would each be forgotten before they had come often enough.
   */
  #forgetOne(now: number): boolean {
    let looks = 0;
    for (const [source, suspect] of this.#suspects) {
      this.#suspects.delete(source);
      if (now - suspect.repeatedAt >= LONGEST_GAP && now >= (suspect.test?.end ?? -Infinity)) {
        return true;
      }
      this.#suspects.set(source, suspect);
      if (++looks === LOOKS) break;
    }
    return false;
  }
}

/** Draws the conclusion from a test that is over. */
function judge(suspect: Suspect, test: { end: number; persisted: boolean }, now: number): void {
  if (test.persisted) {
    suspect.trustedUntil = test.end + TRUST;
  } else if (now < test.end + RESUMED) {
    // A client that had to wait for its own time limit, most likely; but it could
    // be a loop that was begun anew. Either gets ten times as many answers now.
    suspect.allowed = Math.min(suspect.allowed * 10, MOST_REPEATS);
  } else {
    suspect.allowed = REPEATS;
  }
}
