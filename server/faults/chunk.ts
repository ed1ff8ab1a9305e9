import { range, size } from "../../values/value_types.ts";
import { MAX_CHUNK } from "../stages.ts";
import { STREAMS } from "../../net/transports.ts";
import { fault } from "./fault.ts";

/** The time between two pieces, in milliseconds: without it the system joins them. */
const APART = 5;

export const chunk = fault({
  name: "chunk",
  otherNames: ["slicer"],
  value: range(size(1, MAX_CHUNK)),
  transports: STREAMS,
  help: "send pieces of this size, 5ms apart",
  async *stage(chunks, { least, most }, context) {
    let last = -Infinity;
    for await (const whole of chunks) {
      let { bytes: rest, offset } = whole;
      while (rest.length > 0) {
        const length = context.random.whole(least, most);
        const due = Math.max(whole.due, last + APART);
        yield { ...whole, bytes: rest.subarray(0, length), offset, due };
        last = performance.now();
        rest = rest.subarray(length);
        offset += length;
        if (rest.length > 0) context.recordInjection();
      }
    }
  },
});
