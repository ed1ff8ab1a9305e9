import { SCHEMES } from "../../net/transports.ts";
import { fault } from "./fault.ts";

export const lose = fault({
  name: "lose",
  otherNames: ["drop", "loss"],
  chance: { of: "reads", usual: 1 },
  transports: SCHEMES,
  help: "drop what one read returned, or a datagram",
  counted: "lost_bytes",
  async *stage(chunks, _, context) {
    for await (const chunk of chunks) {
      if (context.shouldInject()) {
        context.recordInjection(chunk.bytes.length);
        context.traffic.expectedDelta -= chunk.bytes.length;
      } else yield chunk;
    }
  },
});
