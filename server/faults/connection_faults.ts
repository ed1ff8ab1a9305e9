// What faults do to one connection, or to a socket for datagrams.
import { pause } from "../../async/pause.ts";
import { Traffic } from "../../net/traffic.ts";
import { type Connection, LINGER } from "../connection.ts";
import type { ChosenFault, FaultPlan } from "./plan.ts";
import type { Fault, FaultContext } from "./fault.ts";
import type { LogFields } from "../log.ts";
import { Random } from "./random.ts";
import { type Chunk, MAX_CHUNK, type Stage } from "../staged_echo.ts";

/** How long what was sent has to leave: a reset takes back what has not; in milliseconds. */
const LEAVING = 50;

/** What a chunk costs besides its bytes: many small ones would hold far more than they bring. */
const OVERHEAD = 256;

/** The most that a connection may hold, in bytes: what waits, and a chunk on either side of that. */
const CONNECTION_HOLDS = 256 * 1024 - 2 * (MAX_CHUNK + OVERHEAD);

/** The faults of one connection. */
export class ConnectionFaults {
  /** What passes first, before anything is read ahead, and what passes then. */
  readonly reading: Stage[] = [];
  readonly answering: Stage[] = [];
  readonly #over = new AbortController();
  readonly #injected = new Map<Fault, number>();

  /**
   * @param number tells it from others; 0 is for datagrams
   */
  constructor({ chosen, seed }: FaultPlan, number: number, connection?: Connection) {
    for (const [index, each] of chosen.entries()) {
      const { fault, value } = each;
      const context = this.#context(each, new Random(seed, number, index + 1), connection);
      if (fault.stage === undefined) continue;
      if (fault.chance?.of === "connections" && !context.shouldInject()) continue;
      const stages = fault.holdsReading ? this.reading : this.answering;
      stages.push((chunks) => fault.stage?.(chunks, value, context) ?? chunks);
    }
  }

  /** The stages of a connection; none where nothing happens to it. */
  get all(): Stage[] {
    if (this.reading.length + this.answering.length === 0) return [];
    return [...this.reading, readAhead(this.#over), ...this.answering];
  }

  /** Waits for nothing any more. */
  end(): void {
    this.#over.abort(new Deno.errors.Interrupted("the connection was closed"));
  }

  /** What was injected, for the log. */
  get fields(): LogFields {
    if (this.#injected.size === 0) return {};
    const fields: LogFields = { faults: [...this.#injected.keys()].map(({ name }) => name).join() };
    for (const [{ counted }, bytes] of this.#injected) if (counted) fields[counted] = bytes;
    return fields;
  }

  #context(chosen: ChosenFault, random: Random, connection?: Connection): FaultContext {
    const { fault, probability } = chosen;
    const over = this.#over.signal;
    const wait = async (milliseconds: number) => {
      await pause(milliseconds, over);
      over.throwIfAborted();
    };
    let isFirst = true;
    return {
      random,
      traffic: connection?.traffic ?? new Traffic(),
      shouldInject() {
        if (probability !== "once") return random.next() < probability;
        const wasFirst = isFirst;
        isFirst = false;
        return wasFirst;
      },
      // The length of a run without an injection, drawn at once (geometric distribution).
      nextOffset: () => Math.floor(Math.log(1 - random.next()) / Math.log1p(-Number(probability))),
      recordInjection: (bytes = 0) => {
        chosen.injections++;
        this.#injected.set(fault, (this.#injected.get(fault) ?? 0) + bytes);
      },
      wait,
      close: () => connection?.close("fault"),
      async finish() {
        await connection?.finish("fault");
        wait(LINGER).then(() => connection?.close(), () => {});
      },
      async reset() {
        await wait(LEAVING);
        connection?.reset();
      },
    };
  }
}

/** How much of what a queue holds a chunk is, in bytes. */
export function costOf({ bytes }: Chunk): number {
  return bytes.length + OVERHEAD;
}

/**
 * Reads ahead of the stages after it: delays must not add up for what is sent back
 * to back, so the next chunk is read while the one before it still waits; but not
 * without end.
 *
 * @param over is aborted when reading fails, so that they wait for nothing any more
 */
function readAhead(over: AbortController): Stage {
  return (chunks) => {
    const source = chunks[Symbol.asyncIterator]();
    return new ReadableStream<Chunk>({
      async pull(queue) {
        try {
          const { done, value } = await source.next();
          if (done) queue.close();
          else queue.enqueue({ ...value, bytes: value.bytes.slice() });
        } catch (error) {
          over.abort(error);
          throw error;
        }
      },
    }, { highWaterMark: CONNECTION_HOLDS, size: costOf });
  };
}
