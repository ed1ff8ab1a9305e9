import { size } from "../../values/value_types.ts";
import type { Chunks } from "../stages/echo_with_stages.ts";
import { fault, type FaultContext } from "./fault.ts";

/** The time whose bytes are sent at once, in milliseconds. */
const SLICE = 20;

/** A delay up to this is made up for, in milliseconds. */
const CATCH_UP = 100;

/** Bytes a second. */
export const byteRate = size(1, 2 ** 30);

/** Spreads bytes evenly over time; a datagram stays whole. */
export async function* paced(chunks: Chunks, rate: number, context: FaultContext): Chunks {
  const slice = Math.ceil(rate * SLICE / 1000);
  /** When the chunks so far are sent. */
  let free = -Infinity;
  for await (const chunk of chunks) {
    const { length } = chunk.bytes;
    const step = chunk.send === undefined ? slice : Math.max(length, 1);
    for (let start = 0; start === 0 || start < length; start += step) {
      const bytes = chunk.bytes.subarray(start, start + step);
      const earliest = Math.max(chunk.due, performance.now() - CATCH_UP);
      if (free > earliest) context.recordInjection();
      const due = Math.max(free, earliest);
      yield { ...chunk, bytes, offset: chunk.offset + start, due };
      free = due + bytes.length * 1000 / rate;
    }
  }
}

export const rate = fault({
  name: "rate",
  otherNames: ["bandwidth", "throttle"],
  value: byteRate,
  help: "send at most this many bytes a second",
  stage: paced,
});
