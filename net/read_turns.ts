// Fairness among many connections.
import { pause } from "../async/pause.ts";
import { SocketPoll } from "./socket_poll.ts";

/** So many readers need no turns. */
const FEW = 100;

/**
 * How many may read in a turn: with as many writes, that is what one turn of
 * the event loop lets succeed (128, tokio's cooperative budget).
 */
const READS = 64;

/** Within such a time the event loop looks at the sockets of a few, in milliseconds. */
const ROUND = 2;

/** Readers that are let through together. */
interface Group extends PromiseWithResolvers<void> {
  readers: number;
}

/**
 * Lets the readers of many connections take turns.
 *
 * In Deno 2.9, reads and writes beyond 128 a turn of the event loop have to
 * wait, and those that were served can be ready again before the others are
 * looked at: of several hundred busy connections the same ones are served over
 * and over, and the rest waits for seconds. So where there are many, everybody
 * waits here before a read, and only some are let through until the event loop
 * has really looked at its sockets.
 */
export class ReadTurns {
  /** How many connections are being read; kept by their readers. */
  readers = 0;
  /** How many there were at most, not long ago. */
  #most = 0;
  /** Who waits. One promise for many: a promise for each read costs a tenth of the round trips. */
  readonly #waiting: Group[] = [];
  #running: Promise<void> | undefined;
  #poll: SocketPoll | undefined;
  /** Without sockets everybody may read at any time. */
  #unfair = false;

  /** Whether readers should take turns. */
  get crowded(): boolean {
    return this.readers > FEW && !this.#unfair;
  }

  /** Waits for a turn to read. */
  next(): Promise<void> {
    let group = this.#waiting.at(-1);
    if (group === undefined || group.readers === READS) group = this.#append(0);
    group.readers++;
    return group.promise;
  }

  #append(readers: number): Group {
    const group = { ...Promise.withResolvers<void>(), readers };
    this.#waiting.push(group);
    this.#running ??= this.#run();
    return group;
  }

  /**
   * Waits until all that has come by now could be read, however busy this process
   * is or was; or until the signal.
   */
  async caughtUp(signal: AbortSignal): Promise<void> {
    if (this.#poll === undefined) return await pause(ROUND, signal);
    // Nobody knows in which order a read that waits is looked at. So it takes as long as
    // if all had something to read, those as well whose places others take meanwhile.
    this.#most = Math.max(this.readers, this.#most >> 1);
    for (let places = this.#most; places > 0; places -= READS) this.#append(READS);
    await this.#append(READS).promise;
  }

  /** Lets everybody read from now on. */
  async close(): Promise<void> {
    this.#unfair = true;
    this.#closePoll();
    await this.#running;
  }

  #closePoll(): void {
    this.#poll?.[Symbol.dispose]();
    this.#poll = undefined;
  }

  async #run(): Promise<void> {
    try {
      const poll = this.#poll ??= await SocketPoll.open();
      while (this.#waiting.length > 0 && !this.#unfair) {
        await poll.next();
        this.#waiting.shift()?.resolve();
      }
    } catch {
      // It was closed meanwhile, or this program may not listen on loopback.
      this.#unfair = true;
    }
    if (this.#unfair) {
      this.#closePoll();
      for (const group of this.#waiting.splice(0)) group.resolve();
    }
    this.#running = undefined;
  }
}
