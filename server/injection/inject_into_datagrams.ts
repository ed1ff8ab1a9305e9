// Injects the chosen faults into datagrams: the answers to all sources pass the same stages.
import { Change, isWithin, LONGEST_PAUSE, onAbort } from "../../async/pause.ts";
import type { DatagramListener } from "../../net/udp.ts";
import type { LogFields } from "../log.ts";
import { type Chunk, type Chunks, through } from "../stages/echo_with_stages.ts";
import { ConnectionFaults } from "./inject_into_connection.ts";
import type { FaultPlan } from "./plan.ts";
import { costOf } from "./read_ahead.ts";

/** The most bytes that wait; further datagrams are dropped, as by a router. */
const MOST_HELD = 4 * 1024 * 1024;

type Entrance = WritableStreamDefaultWriter<Chunk>;

/** Sends answers late, changed or not at all. */
export class DatagramFaults {
  readonly #faults = new ConnectionFaults();
  /** Undefined without faults. */
  #entrance: Entrance | undefined;
  /** In the order in which they are due. */
  #waiting: Chunk[] = [];
  readonly #isSooner = new Change();
  #sending: Promise<void> | undefined;
  #count = 0;
  #held = 0;
  #dropped = 0;

  constructor(private readonly stopping: AbortSignal) {
    onAbort(stopping, () => {
      this.#faults.end();
      this.#isSooner.announce();
    });
  }

  /** Begins a set of faults. What the former one holds is sent at once. */
  begin(plan: FaultPlan): void {
    this.#faults.flush();
    this.#entrance?.close().catch(() => {});
    this.#entrance = undefined;
    this.#waiting = this.#waiting.map((chunk) => ({ ...chunk, due: 0 }));
    this.#isSooner.announce();
    this.#count = 0;
    const stages = this.#faults.begin(plan, 0);
    if (stages.length === 0) return;
    const arriving = new TransformStream<Chunk, Chunk>({}, { highWaterMark: Infinity });
    this.#entrance = arriving.writable.getWriter();
    // The stages throw when they are ended.
    this.#collect(through(stages, arriving.readable), this.#entrance).catch(() => {});
    this.#sending ??= this.#sendWhenDue();
  }

  send(socket: DatagramListener, bytes: Uint8Array, source: Deno.NetAddr): Promise<unknown> | void {
    if (this.#entrance === undefined) return socket.send(bytes, source);
    const send = (bytes: Uint8Array) => socket.send(bytes, source);
    const chunk = { bytes: bytes.slice(), offset: this.#count++, due: performance.now(), send };
    this.#entrance.write(chunk).catch(() => {});
  }

  /** The injected faults, for the log. */
  get fields(): LogFields {
    const { fields } = this.#faults;
    return this.#dropped === 0 ? fields : { ...fields, dropped_datagrams: this.#dropped };
  }

  async #collect(chunks: Chunks, entrance: Entrance): Promise<void> {
    for await (const chunk of chunks) {
      if (this.#held + costOf(chunk) > MOST_HELD) {
        this.#dropped++;
        continue;
      }
      const due = entrance === this.#entrance ? chunk.due : 0;
      const at = this.#waiting.findLastIndex((other) => other.due <= due) + 1;
      this.#waiting.splice(at, 0, { ...chunk, due });
      this.#held += costOf(chunk);
      if (at === 0) this.#isSooner.announce();
    }
  }

  async #sendWhenDue(): Promise<void> {
    while (!this.stopping.aborted) {
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
