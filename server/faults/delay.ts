import { duration, range } from "../../values/value_types.ts";
import { fault } from "./fault.ts";

export const delay = fault({
  name: "delay",
  otherNames: ["latency"],
  value: range(duration),
  chance: { of: "reads", usual: 1 },
  help: "send each answer this much later",
  async *stage(chunks, { least, most }, context) {
    for await (const chunk of chunks) {
      const random = context.draw(chunk.offset);
      if (random !== undefined) context.recordInjection();
      yield { ...chunk, due: chunk.due + (random?.between(least, most) ?? 0) };
    }
  },
});
