import { duration } from "../../values/value_types.ts";
import { SCHEMES } from "../../net/transports.ts";
import { fault } from "./fault.ts";

export const stall = fault({
  name: "stall",
  value: duration,
  chance: { of: "reads", usual: "once" },
  transports: SCHEMES,
  help: "answers stop for that long; udp: that datagram is late",
  async *stage(chunks, length, context) {
    for await (const chunk of chunks) {
      if (!context.shouldInject()) yield chunk;
      else {
        context.recordInjection();
        yield { ...chunk, due: chunk.due + length };
      }
    }
  },
});
