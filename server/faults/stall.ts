import { duration } from "../../values/value_types.ts";
import { ALL, fault } from "./fault.ts";

export const stall = fault({
  name: "stall",
  value: duration,
  chance: { of: "reads", usual: "once" },
  transports: ALL,
  help: "answers stop for so long",
  async *stage(chunks, length, context) {
    for await (const chunk of chunks) {
      if (context.shouldInject()) {
        context.recordInjection();
        await context.wait(length);
      }
      yield chunk;
    }
  },
});
