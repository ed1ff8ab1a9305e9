import { pause } from "../async/pause.ts";

/** The most readers that need no scheduling. */
const FEW = 100;

/** Reads per turn of the event loop: with as many writes, tokio's budget of 128 operations. */
const READS = 64;

/** The event loop polls the sockets of a few readers within this time, in milliseconds. */
const ROUND = 2;

/** Readers that wait for one turn: a promise for each read would cost a tenth of the round trips. */
interface Group extends PromiseWithResolvers<void> {
  readers: number;
}

/**
 * In Deno 2.9, 128 reads and writes succeed in a turn of the event loop, and the same sockets can
 * be ready again before the others are polled: of several hundred busy connections some would be
 * served over and over, while the rest waits for seconds. So with many readers each one waits
 * here before a read, and one group reads per poll of the sockets.
 */
export class ReadScheduler {
  /** How many connections are being read; counted by their readers. */
  readers = 0;
  /** The most readers of late. */
  #most = 0;
  readonly #waiting: Group[] = [];
  #running: Promise<void> | undefined;
  #poll: SocketPoll | undefined;
  /** Set where there can be no poll: then reads are not scheduled. */
  #closed = false;

  /** Whether to await `next` before a read. */
  get isContended(): boolean {
    return this.readers > FEW && !this.#closed;
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

  /** Waits until all input that has arrived by now could be read, or until the signal. */
  async catchUp(signal: AbortSignal): Promise<void> {
    if (this.#poll === undefined) return await pause(ROUND, signal);
    // The order in which pending reads are polled is unknown, so there are turns for all readers,
    // also for those whose place another one takes meanwhile.
    this.#most = Math.max(this.readers, this.#most >> 1);
    for (let places = this.#most; places > 0; places -= READS) this.#append(READS);
    await this.#append(READS).promise;
  }

  /** Ends scheduling: all reads may go on. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#closePoll();
    await this.#running;
  }

  #closePoll(): void {
    this.#poll?.[Symbol.dispose]();
    this.#poll = undefined;
  }

  async #run(): Promise<void> {
    try {
      const poll = this.#poll ??= await openPoll();
      while (this.#waiting.length > 0 && !this.#closed) {
        await poll.next();
        this.#waiting.shift()?.resolve();
      }
    } catch {
      // The poll was closed meanwhile, or cannot be opened.
      this.#closed = true;
    }
    if (this.#closed) {
      this.#closePoll();
      for (const group of this.#waiting.splice(0)) group.resolve();
    }
    this.#running = undefined;
  }
}

export interface SocketPoll extends Disposable {
  /** Waits until all sockets that are ready now were polled. One call at a time. */
  next(): Promise<void>;
}

/**
 * Deno 2.9 polls when idle, and otherwise only now and then: immediates and due timers keep ready
 * sockets waiting. A socket cannot be read until it was polled, so this sends itself a byte.
 *
 * @throws where this program may not listen on loopback, or has no sockets left
 */
export async function openPoll(): Promise<SocketPoll> {
  // Otherwise Deno would prompt for the permission on a terminal.
  const loopback = { name: "net", host: "127.0.0.1" } as const;
  if (Deno.permissions.querySync(loopback).state !== "granted") {
    throw new Deno.errors.NotCapable("no loopback");
  }
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const [sender, receiver] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port }),
    listener.accept(),
  ]);
  sender.setNoDelay(true);
  const byte = new Uint8Array(1);
  return {
    async next() {
      // The read comes first: a read that finds its byte does not wait for a poll.
      const polled = receiver.read(byte);
      await sender.write(byte);
      await polled;
    },
    [Symbol.dispose]() {
      sender.close();
      receiver.close();
    },
  };
}
