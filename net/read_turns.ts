// Fairness among many connections.
import { pause } from "../async/pause.ts";

/** So many readers need no turns. */
const FEW = 100;

/**
 * How many may read in a turn: with as many writes, that is what one turn of
 * the event loop lets succeed (128, tokio's cooperative budget).
 */
const READS = 64;

/** Within such a time the event loop looks at the sockets of a few, in milliseconds. */
const ROUND = 2;

/** After so many have been let through, they are forgotten all at once. */
const FORGET_AT_ONCE = 4096;

/**
 * Lets the readers of many connections take turns.
 *
 * In Deno 2.9, reads and writes beyond 128 a turn of the event loop have to
 * wait, and those that were served can be ready again before the others are
 * looked at: of several hundred busy connections the same ones are served over
 * and over, and the rest waits for seconds. So where there are many, everybody
 * waits here before a read, and only some are let through until the event loop
 * has really looked at its sockets. That it does for a socket only, not for a
 * timer that is due or another thread: hence the two that this one has, which
 * are connected to each other.
 */
export class ReadTurns {
  /** How many connections are being read; kept by their readers. */
  readers = 0;
  /** How many there were at most, not long ago. */
  #most = 0;
  /** Who waits, from `#first` on. */
  #waiting: (() => void)[] = [];
  #first = 0;
  #running: Promise<void> | undefined;
  #sockets: [Deno.Conn, Deno.Conn] | undefined;
  /** Without sockets everybody may read at any time. */
  #unfair = false;

  /** Whether readers should take turns. */
  get crowded(): boolean {
    return this.readers > FEW && !this.#unfair;
  }

  /** Waits for a turn to read. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#running ??= this.#run();
    });
  }

  /**
   * Waits until all that has come by now could be read, however busy this process
   * is or was; or until the signal.
   */
  async caughtUp(signal: AbortSignal): Promise<void> {
    if (this.#sockets === undefined) return await pause(ROUND, signal);
    // Nobody knows in which order a read that waits is looked at. So it takes as long as
    // if all had something to read, those as well whose places others take meanwhile.
    this.#most = Math.max(this.readers, this.#most >> 1);
    for (let places = this.#most + READS; places > 0; places--) this.#waiting.push(nobody);
    await this.next();
  }

  /** Lets everybody read from now on. */
  async close(): Promise<void> {
    this.#unfair = true;
    this.#closeSockets();
    await this.#running;
  }

  #closeSockets(): void {
    for (const socket of this.#sockets ?? []) socket.close();
    this.#sockets = undefined;
  }

  async #run(): Promise<void> {
    const byte = new Uint8Array(1);
    try {
      const [one, other] = this.#sockets ??= await openPair();
      while (this.#waiting.length > 0 && !this.#unfair) {
        // The read comes first: one that finds its byte would wait for no look.
        const looked = other.read(byte);
        await one.write(byte);
        await looked;
        this.#letThrough(READS);
      }
    } catch {
      // It was closed meanwhile, or this program may not listen on loopback.
      this.#unfair = true;
    }
    if (this.#unfair) {
      this.#closeSockets();
      this.#letThrough(Infinity);
    }
    this.#running = undefined;
  }

  #letThrough(readers: number): void {
    const end = Math.min(this.#first + readers, this.#waiting.length);
    while (this.#first < end) this.#waiting[this.#first++]?.();
    if (this.#first < Math.min(this.#waiting.length, FORGET_AT_ONCE)) return;
    this.#waiting.splice(0, this.#first);
    this.#first = 0;
  }
}

/** Takes a place in the queue, and does nothing with it. */
function nobody(): void {}

/** Opens two sockets that are connected to each other. */
async function openPair(): Promise<[Deno.Conn, Deno.Conn]> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    const { port } = listener.addr;
    const [one, other] = await Promise.all([
      Deno.connect({ hostname: "127.0.0.1", port }),
      listener.accept(),
    ]);
    one.setNoDelay(true);
    return [one, other];
  } finally {
    listener.close();
  }
}
