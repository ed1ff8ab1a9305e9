import { type Range, range, size } from "../../values/value_types.ts";
import type { Chunks } from "../stages.ts";
import type { FaultContext } from "./fault.ts";

/** A number of bytes; from a range each connection draws its own. */
export const byteCount = range(size(0, 2 ** 40));

/**
 * Lets that many bytes pass and then ends the connection; further input is read
 * and discarded. Bytes that were yielded are sent when the next chunk is requested.
 */
export async function* endAfter(
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
