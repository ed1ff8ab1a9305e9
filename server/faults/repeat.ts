import { fault } from "./fault.ts";
import { inBlocks } from "./lose.ts";

export const repeat = fault({
  name: "repeat",
  chance: { of: "blocks", usual: 1 },
  help: "send a datagram, or 256 bytes of a stream, twice",
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
