// Injects the chosen faults, whichever they are, into one connection or the datagrams of a server.
import { isWithin, pause } from "../../async/pause.ts";
import { Traffic } from "../../net/traffic.ts";
import { type Connection, LINGER } from "../connection.ts";
import type { Fault, FaultContext } from "../faults/fault.ts";
import type { LogFields } from "../log.ts";
import type { Chunks, Stage } from "../stages/echo_with_stages.ts";
import type { ChosenFault, FaultPlan } from "./plan.ts";
import { Random } from "./random.ts";
import { readAhead } from "./read_ahead.ts";

/** The time before a reset, which discards what is still unsent, in milliseconds. */
const LEAVING = 50;

/** Why waiting ends when the faults are changed. */
const CHANGED = Symbol("the faults were changed");

export class ConnectionFaults {
  /** Ends all waiting of the current set. */
  #over = new AbortController();
  /** The bytes that each fault has changed. */
  readonly #injected = new Map<Fault, number>();
  #isFinished = false;
  /** The last write. */
  #written = Promise.resolve();

  constructor(private readonly connection?: Connection) {}

  /**
   * Begins a set of faults; returns its stages, none for a connection without faults.
   *
   * @param number that of the connection in the set; negative for one that was open before
   */
  begin(plan: FaultPlan, number: number): Stage[] {
    const over = this.#over = new AbortController();
    /** The stages before the read-ahead, and those after it. */
    const [reading, answering]: [Stage[], Stage[]] = [[], []];
    for (const [index, one] of plan.chosen.entries()) {
      const { fault: { stage, chance, holdsReading }, value, connections: { least, most } } = one;
      if (stage === undefined || number < least || number > most) continue;
      const context = this.#context(plan, one, number, index + 1);
      if (chance?.of === "connections" && context.random.next() >= Number(one.probability)) {
        continue;
      }
      (holdsReading ? reading : answering).push((chunks) => stage(chunks, value, context));
    }
    // Each datagram is sent when it is due, whatever their order.
    if (this.connection === undefined || reading.length + answering.length === 0) return answering;
    const leave: Stage = (chunks) => this.#leave(leaveWhenDue(chunks, over.signal));
    return [...reading, readAhead(plan.held, over), ...answering, leave];
  }

  /** Ends the waiting of a set that is replaced: what it holds is sent at once. */
  flush(): void {
    this.#over.abort(CHANGED);
  }

  /** Ends all waiting. */
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

  /** @param which distinguishes the random numbers of the fault */
  #context(plan: FaultPlan, chosen: ChosenFault, ...which: [number, number]): FaultContext {
    const { fault, probability } = chosen;
    const { connection } = this;
    const { signal } = this.#over;
    const randomOf = (...more: number[]) => new Random(plan.seed ?? 0, ...which, ...more);
    const random = randomOf();
    const recordInjection = (bytes = 0) => {
      chosen.injections++;
      plan.injected[fault.name] = (plan.injected[fault.name] ?? 0) + 1;
      this.#injected.set(fault, (this.#injected.get(fault) ?? 0) + bytes);
    };
    return {
      isNew: which[0] > 0,
      random,
      traffic: connection?.traffic ?? new Traffic(),
      draw(offset) {
        const numbers = randomOf(offset >>> 0, Math.floor(offset / 2 ** 32));
        const isDrawn = probability === "once" ? offset === 0 : numbers.next() < probability;
        return isDrawn ? numbers : undefined;
      },
      // The length of a run without an injection, drawn at once (geometric distribution).
      nextOffset: () => Math.floor(Math.log(1 - random.next()) / Math.log1p(-Number(probability))),
      recordInjection,
      wait: (milliseconds) => wait(milliseconds, signal),
      leaveWhenDue: (chunks) => leaveWhenDue(chunks, signal),
      close: () => connection?.close("fault"),
      finish: async () => {
        recordInjection();
        this.#isFinished = true;
        // A write that goes on would fail, unless the client does not read.
        await isWithin(LINGER, this.#written);
        pause(LINGER, signal).then(() => connection?.close());
        await connection?.finish("fault");
      },
      reset: async () => {
        recordInjection();
        await wait(LEAVING, signal);
        connection?.reset();
      },
    };
  }

  async *#leave(chunks: Chunks): Chunks {
    for await (const chunk of chunks) {
      if (this.#isFinished) continue;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#written = promise;
      yield chunk;
      resolve();
    }
  }
}

/** Whether the time has passed without a change of faults; throws when the connection is closed. */
async function wait(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  await pause(milliseconds, signal);
  if (signal.reason !== CHANGED) signal.throwIfAborted();
  return !signal.aborted;
}

async function* leaveWhenDue(chunks: Chunks, signal: AbortSignal): Chunks {
  for await (const chunk of chunks) {
    await wait(chunk.due - performance.now(), signal);
    yield chunk;
  }
}
