import { type Range, range, size } from "../../values/value_types.ts";
import { SCHEMES, STREAMS, TRANSPORTS } from "../../net/transports.ts";
import type { Chunks } from "../stages.ts";
import { fault, type FaultContext } from "./fault.ts";

/** A number of bytes; each connection draws its own from a range. */
const byteCount = range(size(0, 2 ** 40));

export const closeAfter = fault({
  name: "close-after",
  value: byteCount,
  transports: STREAMS,
  help: "close the connection cleanly after this many bytes; 0: at once",
  stage: (chunks, count, context) => endAfter(chunks, count, context, context.finish),
});

export const resetAfter = fault({
  name: "reset-after",
  otherNames: ["reset"],
  value: byteCount,
  transports: SCHEMES.filter((scheme) => TRANSPORTS[scheme].canBeReset),
  help: "reset the connection after this many bytes; 0: at once",
  resets: true,
  stage: (chunks, count, context) => endAfter(chunks, count, context, context.reset),
});

/**
 * Ends the connection after that many bytes; discards further input. Bytes that were yielded are
 * sent when the next chunk is requested.
 */
async function* endAfter(
  chunks: Chunks,
  { least, most }: Range,
  context: FaultContext,
  end: () => Promise<void>,
): Chunks {
  let left = context.random.whole(least, most);

  async function endAtZero(): Promise<void> {
    if (left > 0) return;
    context.recordInjection();
    await end();
  }

  await endAtZero();
  for await (const chunk of chunks) {
    if (left === 0) continue;
    const bytes = chunk.bytes.subarray(0, left);
    yield { ...chunk, bytes };
    left -= bytes.length;
    await endAtZero();
  }
}
