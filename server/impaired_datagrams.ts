/**
 * Answers to datagrams that have faults: one line to all sources, as a bad
 * network is.
 *
 * @module
 */
import { formatAddress } from "../net/endpoint.ts";
import type { DatagramListener } from "../net/udp.ts";
import type { FaultPlan } from "./fault_plan.ts";
import { Impairment, isStruck } from "./impairment.ts";
import type { LogFields } from "./log.ts";
import { ReadAhead } from "./read_ahead.ts";
import { through } from "./staged_echo.ts";

/** The most that may be under way, in bytes; what comes then is dropped, as by a router. */
const LINE_HOLDS = 4 * 1024 * 1024;

/** What sends answers, late, changed or not at all. */
export class ImpairedDatagrams {
  readonly #faults: FaultPlan;
  readonly #impairment: Impairment;
  readonly #line: ReadAhead;
  #dropped = 0;

  /** @param stopping is aborted when nothing is to be sent any more */
  constructor(faults: FaultPlan, stopping: AbortSignal) {
    this.#faults = faults;
    this.#impairment = new Impairment(faults, 0);
    this.#line = new ReadAhead(LINE_HOLDS, this.#impairment.over);
    stopping.addEventListener("abort", () => this.#impairment.end(), { once: true });
    this.#run().catch(() => {});
  }

  /** Sends an answer, or leaves it to the faults. */
  async send(socket: DatagramListener, bytes: Uint8Array, source: Deno.NetAddr): Promise<void> {
    const send = (bytes: Uint8Array) => socket.send(bytes, source);
    const place = new TextEncoder().encode(formatAddress(source));
    if (!isStruck(this.#faults, 0, ...place)) await send(bytes);
    else if (!this.#line.take({ bytes, at: performance.now(), send })) this.#dropped++;
  }

  /** What happened, for the log. */
  get story(): LogFields {
    const { story } = this.#impairment;
    return this.#dropped === 0 ? story : { ...story, dropped_datagrams: this.#dropped };
  }

  async #run(): Promise<void> {
    for await (const { bytes, send } of through(this.#impairment.stages.answering, this.#line)) {
      // Which one cannot be sent concerns that one alone.
      await send?.(bytes).catch(() => {});
    }
  }
}
