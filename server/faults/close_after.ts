import { STREAMS } from "../../net/transports.ts";
import { type Range, range, size } from "../../values/value_types.ts";
import type { Chunks } from "../stages/echo_with_stages.ts";
import { fault, type FaultContext } from "./fault.ts";

/** A number of bytes; each connection draws its own from a range. */
export const byteCount = range(size(0, 2 ** 40));

/**
 * Ends the connection after that many bytes; discards further input. Bytes that were yielded are
 * sent when the next chunk is requested.
 */
export async function* endAfter(
  chunks: Chunks,
  { least, most }: Range,
  context: FaultContext,
  end: () => Promise<void>,
): Chunks {
  let left = context.random.whole(least, most);
  if (left === 0) await end();
  for await (const chunk of chunks) {
    if (left === 0) continue;
    const bytes = chunk.bytes.subarray(0, left);
    yield { ...chunk, bytes };
    left -= bytes.length;
    if (left === 0) await end();
  }
}

export const closeAfter = fault({
  name: "close-after",
  value: byteCount,
  transports: STREAMS,
  help: "close cleanly after this many bytes",
  stage: (chunks, count, context) => endAfter(chunks, count, context, context.finish),
});
