import { duration, range } from "../../values/kinds.ts";
import { ALL, fault } from "./fault.ts";

export const delay = fault({
  name: "delay",
  value: range(duration),
  chance: { of: "reads", usual: 1 },
  transports: ALL,
  help: "each answer leaves so much later, also back to back",
  async *stage(chunks, { least, most }, victim) {
    for await (const chunk of chunks) {
      if (victim.strikes()) {
        await victim.wait(chunk.at + victim.random.between(least, most) - performance.now());
        victim.struck();
      }
      yield chunk;
    }
  },
});
