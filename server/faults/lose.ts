import { SCHEMES } from "../../net/transports.ts";
import { inBlocks } from "./blocks.ts";
import { fault } from "./fault.ts";

export const lose = fault({
  name: "lose",
  otherNames: ["drop", "loss"],
  chance: { of: "blocks", usual: 1 },
  transports: SCHEMES,
  help: "drop the bytes of a block of 256, or a datagram",
  counted: "lost_bytes",
  async *stage(chunks, _, context) {
    for await (const { block, ...chunk } of inBlocks(chunks)) {
      if (context.draw(block) === undefined) yield chunk;
      else {
        context.recordInjection(chunk.bytes.length);
        context.traffic.expectedDelta -= chunk.bytes.length;
      }
    }
  },
});
