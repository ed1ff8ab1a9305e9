// The faults of one connection, or of a server for datagrams.
import { pause } from "../../async/pause.ts";
import { Traffic } from "../../net/traffic.ts";
import { type Connection, LINGER } from "../connection.ts";
import type { LogFields } from "../log.ts";
import type { Chunks, Stage } from "../stages.ts";
import type { Fault, FaultContext } from "./fault.ts";
import type { ChosenFault, FaultPlan } from "./plan.ts";
import { Random } from "./random.ts";
import { readAhead } from "./read_ahead.ts";

/** The time before a reset, which discards what is still unsent, in milliseconds. */
const LEAVING = 50;

/** The faults of one connection. */
export class ConnectionFaults {
  /** The stages before the read-ahead, and those after it. */
  readonly #reading: Stage[] = [];
  readonly #answering: Stage[] = [];
  readonly #over = new AbortController();
  /** The bytes that each fault has changed. */
  readonly #injected = new Map<Fault, number>();

  /** @param number that of the connection; 0 for datagrams */
  constructor(private readonly plan: FaultPlan, number: number, connection?: Connection) {
    for (const [index, chosen] of plan.chosen.entries()) {
      const { fault, value } = chosen;
      const { stage } = fault;
      if (stage === undefined) continue;
      const randomOf = (...which: number[]) => new Random(plan.seed, number, index + 1, ...which);
      const random = randomOf();
      const isOfConnections = fault.chance?.of === "connections";
      if (isOfConnections && random.next() >= Number(chosen.probability)) continue;
      const context = this.#context(chosen, random, randomOf, connection);
      const stages = fault.holdsReading ? this.#reading : this.#answering;
      stages.push((chunks) => stage(chunks, value, context));
    }
  }

  /** None for a connection without faults. */
  get stages(): readonly Stage[] {
    if (this.#reading.length + this.#answering.length === 0) return [];
    const ahead = readAhead(this.plan.held, this.#over);
    return [...this.#reading, ahead, ...this.#answering, (chunks) => this.#leaveWhenDue(chunks)];
  }

  /** Each datagram is sent when it is due, whatever their order. */
  get datagramStages(): readonly Stage[] {
    return this.#answering;
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

  #context(
    chosen: ChosenFault,
    random: Random,
    randomOf: (...which: number[]) => Random,
    connection?: Connection,
  ): FaultContext {
    const { fault, probability } = chosen;
    return {
      random,
      traffic: connection?.traffic ?? new Traffic(),
      draw(offset) {
        const numbers = randomOf(offset >>> 0, Math.floor(offset / 2 ** 32));
        const isDrawn = probability === "once" ? offset === 0 : numbers.next() < probability;
        return isDrawn ? numbers : undefined;
      },
      // The length of a run without an injection, drawn at once (geometric distribution).
      nextOffset: () => Math.floor(Math.log(1 - random.next()) / Math.log1p(-Number(probability))),
      recordInjection: (bytes = 0) => {
        chosen.injections++;
        this.#injected.set(fault, (this.#injected.get(fault) ?? 0) + bytes);
      },
      wait: (milliseconds) => this.#wait(milliseconds),
      leaveWhenDue: (chunks) => this.#leaveWhenDue(chunks),
      close: () => connection?.close("fault"),
      finish: async () => {
        await connection?.finish("fault");
        this.#wait(LINGER).then(() => connection?.close(), () => {});
      },
      reset: async () => {
        await this.#wait(LEAVING);
        connection?.reset();
      },
    };
  }

  async #wait(milliseconds: number): Promise<void> {
    await pause(milliseconds, this.#over.signal);
    this.#over.signal.throwIfAborted();
  }

  async *#leaveWhenDue(chunks: Chunks): Chunks {
    for await (const chunk of chunks) {
      await this.#wait(chunk.due - performance.now());
      yield chunk;
    }
  }
}
