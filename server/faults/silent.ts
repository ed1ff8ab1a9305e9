import { LONGEST_PAUSE } from "../../async/pause.ts";
import { size } from "../../values/value_types.ts";
import { fault } from "./fault.ts";

export const silent = fault({
  name: "silent",
  otherNames: ["timeout", "blackhole"],
  value: size(0, 2 ** 40),
  usual: 0,
  help: "send this many bytes (0), then read, never reply",
  async *stage(chunks, size, context) {
    let left = size;
    let kept = 0;
    for await (const chunk of chunks) {
      const bytes = chunk.bytes.subarray(0, left);
      if (bytes.length < chunk.bytes.length || left === 0) context.recordInjection();
      if (left > 0) yield { ...chunk, bytes };
      left -= bytes.length;
      kept += chunk.bytes.length - bytes.length;
    }
    // The client's end gets no reply either, but a drain does not wait for its rest any more.
    context.traffic.expectedDelta -= kept;
    if (left === 0) await context.wait(LONGEST_PAUSE);
  },
});
