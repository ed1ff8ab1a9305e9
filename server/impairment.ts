// What faults do to one connection, or to a socket for datagrams.
import { pause } from "../async/pause.ts";
import { Traffic } from "../net/traffic.ts";
import { type Connection, LINGER } from "./connection.ts";
import type { ChosenFault, FaultPlan } from "./fault_plan.ts";
import type { Victim } from "./faults/fault.ts";
import type { LogFields } from "./log.ts";
import { Random } from "./random.ts";
import { readAhead } from "./read_ahead.ts";
import type { Stage } from "./staged_echo.ts";

/** How long what was sent has to leave: a reset takes back what has not; in milliseconds. */
const LEAVING = 50;

/** The faults of one connection. */
export class Impairment {
  /** What passes first, before anything is read ahead, and what passes then. */
  readonly stages: { readonly reading: Stage[]; readonly answering: Stage[] };
  readonly #over = new AbortController();
  readonly #struck = new Map<ChosenFault, number>();

  /**
   * @param number tells it from others; 0 is for datagrams
   * @param connection none for datagrams
   */
  constructor({ chosen, seed }: FaultPlan, number: number, connection?: Connection) {
    this.stages = { reading: [], answering: [] };
    for (const [index, each] of chosen.entries()) {
      const { fault, value } = each;
      const victim = this.#victim(each, new Random(seed, number, index + 1), connection);
      if (fault.chance?.of === "connections" && !victim.strikes()) continue;
      const stage = fault.stage?.(value, victim);
      if (stage) this.stages[fault.holdsReading ? "reading" : "answering"].push(stage);
    }
  }

  /** The stages of a connection; none where nothing happens to it. */
  get all(): Stage[] {
    const { reading, answering } = this.stages;
    if (reading.length + answering.length === 0) return [];
    return [...reading, readAhead(this.#over), ...answering];
  }

  /** Is aborted when nothing is to be waited for any more. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Waits for nothing any more. */
  end(): void {
    this.#over.abort(new Deno.errors.Interrupted("the connection was closed"));
  }

  /** What happened, for the log. */
  get story(): LogFields {
    const happened = [...this.#struck];
    if (happened.length === 0) return {};
    const counts = happened.flatMap(([{ fault: { counted } }, bytes]) =>
      counted === undefined ? [] : [[counted, bytes]]
    );
    return {
      faults: [...new Set(happened.map(([{ fault }]) => fault.name))].join(),
      ...Object.fromEntries(counts),
    };
  }

  #victim(chosen: ChosenFault, random: Random, connection?: Connection): Victim {
    const { probability } = chosen;
    const wait = async (milliseconds: number) => {
      await pause(milliseconds, this.over);
      this.over.throwIfAborted();
    };
    let strikes = 0;
    return {
      random,
      traffic: connection?.traffic ?? new Traffic(),
      strikes: () => probability === "once" ? strikes++ === 0 : random.next() < probability,
      // The length of a run without a strike, drawn at once (geometric distribution).
      spared: () => Math.floor(Math.log(1 - random.next()) / Math.log1p(-Number(probability))),
      struck: (bytes = 0) => {
        chosen.strikes++;
        this.#struck.set(chosen, (this.#struck.get(chosen) ?? 0) + bytes);
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

/** Whether a connection gets faults at all. */
export function isStruck({ share, seed }: FaultPlan, ...which: readonly number[]): boolean {
  return share === 1 || new Random(seed, ...which, 0).next() < share;
}
