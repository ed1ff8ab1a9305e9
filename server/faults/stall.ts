import { duration } from "../../values/value_types.ts";
import { fault } from "./fault.ts";

export const stall = fault({
  name: "stall",
  value: duration,
  chance: { of: "reads", usual: "once" },
  help: "pause answers this long; udp: delay a datagram",
  async *stage(chunks, length, context) {
    for await (const chunk of chunks) {
      const isStalled = context.draw(chunk.offset) !== undefined;
      if (isStalled) context.recordInjection();
      yield isStalled ? { ...chunk, due: chunk.due + length } : chunk;
    }
  },
});
