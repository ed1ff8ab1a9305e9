import type { Chunk, Chunks } from "../stages/echo_with_stages.ts";
import { fault } from "./fault.ts";

/** Bytes of a stream that are lost or repeated together: the size of a read varies. */
const BLOCK = 256;

/** Cuts chunks at fixed offsets of their stream; a datagram stays whole. */
export async function* inBlocks(chunks: Chunks): AsyncGenerator<Chunk & { block: number }> {
  for await (const chunk of chunks) {
    const { bytes, offset, send } = chunk;
    if (send !== undefined) {
      yield { ...chunk, block: offset };
      continue;
    }
    for (let at = 0; at < bytes.length;) {
      const block = Math.floor((offset + at) / BLOCK);
      const end = Math.min((block + 1) * BLOCK - offset, bytes.length);
      yield { ...chunk, bytes: bytes.subarray(at, end), offset: offset + at, block };
      at = end;
    }
  }
}

export const lose = fault({
  name: "lose",
  otherNames: ["drop", "loss"],
  chance: { of: "blocks", usual: 1 },
  help: "drop a datagram, or 256 bytes of a stream",
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
