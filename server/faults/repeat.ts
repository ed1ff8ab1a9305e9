import { SCHEMES } from "../../net/transports.ts";
import { inBlocks } from "./blocks.ts";
import { fault } from "./fault.ts";

export const repeat = fault({
  name: "repeat",
  chance: { of: "blocks", usual: 1 },
  transports: SCHEMES,
  help: "send the bytes of a block of 256, or a datagram, twice",
  counted: "repeated_bytes",
  async *stage(chunks, _, context) {
    for await (const { block, ...chunk } of inBlocks(chunks)) {
      if (context.draw(block) !== undefined) {
        context.recordInjection(chunk.bytes.length);
        context.traffic.expectedDelta += chunk.bytes.length;
        yield chunk;
      }
      yield chunk;
    }
  },
});
