import { duration } from "../../values/value_types.ts";
import { SCHEMES } from "../../net/transports.ts";
import { fault } from "./fault.ts";

export const stall = fault({
  name: "stall",
  value: duration,
  chance: { of: "reads", usual: "once" },
  transports: SCHEMES,
  help: "send nothing for this long; udp: delay that datagram",
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
