import { range, size } from "../../values/value_types.ts";
import { MAX_CHUNK } from "../stages/echo_with_stages.ts";
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
    for await (const { bytes, offset, ...whole } of chunks) {
      for (let at = 0; at < bytes.length;) {
        const piece = bytes.subarray(at, at + context.random.whole(least, most));
        const due = Math.max(whole.due, last + APART);
        yield { ...whole, bytes: piece, offset: offset + at, due };
        last = performance.now();
        at += piece.length;
        if (at < bytes.length) context.recordInjection();
      }
    }
  },
});
