import { duration, range } from "../../values/value_types.ts";
import { ALL, fault } from "./fault.ts";

export const delay = fault({
  name: "delay",
  otherNames: ["latency"],
  value: range(duration),
  chance: { of: "reads", usual: 1 },
  transports: ALL,
  help: "each answer leaves so much later, also back to back",
  async *stage(chunks, { least, most }, context) {
    for await (const chunk of chunks) {
      if (context.shouldInject()) {
        await context.wait(chunk.at + context.random.between(least, most) - performance.now());
        context.recordInjection();
      }
      yield chunk;
    }
  },
});
