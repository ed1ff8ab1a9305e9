// The faults of datagrams: the answers to all sources pass the same stages.
import { Change, isWithin, LONGEST_PAUSE, onAbort } from "../../async/pause.ts";
import type { DatagramListener } from "../../net/udp.ts";
import type { LogFields } from "../log.ts";
import { type Chunk, through } from "../stages.ts";
import { ConnectionFaults } from "./connection_faults.ts";
import type { FaultPlan } from "./plan.ts";
import { costOf } from "./read_ahead.ts";

/** The most bytes that wait; further datagrams are dropped, as by a router. */
const MOST_HELD = 4 * 1024 * 1024;

/** Sends answers late, changed or not at all. */
export class DatagramFaults {
  readonly #faults: ConnectionFaults;
  readonly #arriving = new TransformStream<Chunk, Chunk>({}, { highWaterMark: Infinity });
  readonly #entrance = this.#arriving.writable.getWriter();
  /** In the order in which they are due. */
  readonly #waiting: Chunk[] = [];
  readonly #isSooner = new Change();
  #count = 0;
  #held = 0;
  #dropped = 0;

  constructor(plan: FaultPlan, stopping: AbortSignal) {
    this.#faults = new ConnectionFaults(plan, 0);
    onAbort(stopping, () => {
      this.#faults.end();
      this.#isSooner.announce();
    });
    // The stages throw when they are ended.
    this.#collect().catch(() => {});
    this.#sendWhenDue(stopping);
  }

  send(socket: DatagramListener, bytes: Uint8Array, source: Deno.NetAddr): void {
    const send = (bytes: Uint8Array) => socket.send(bytes, source);
    const chunk = { bytes: bytes.slice(), offset: this.#count++, due: performance.now(), send };
    this.#entrance.write(chunk).catch(() => {});
  }

  /** The injected faults, for the log. */
  get fields(): LogFields {
    const { fields } = this.#faults;
    return this.#dropped === 0 ? fields : { ...fields, dropped_datagrams: this.#dropped };
  }

  async #collect(): Promise<void> {
    for await (const chunk of through(this.#faults.datagramStages, this.#arriving.readable)) {
      if (this.#held + costOf(chunk) > MOST_HELD) {
        this.#dropped++;
        continue;
      }
      const at = this.#waiting.findLastIndex(({ due }) => due <= chunk.due) + 1;
      this.#waiting.splice(at, 0, chunk);
      this.#held += costOf(chunk);
      if (at === 0) this.#isSooner.announce();
    }
  }

  async #sendWhenDue(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      const [next] = this.#waiting;
      const time = next === undefined ? LONGEST_PAUSE : next.due - performance.now();
      if (time > 0) await isWithin(time, this.#isSooner.next);
      else if (next !== undefined) {
        this.#waiting.shift();
        this.#held -= costOf(next);
        // An error concerns this datagram alone.
        await next.send?.(next.bytes).catch(() => {});
      }
    }
  }
}
