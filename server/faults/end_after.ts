import { type Range, range, size } from "../../values/value_types.ts";
import type { Chunks } from "../staged_echo.ts";
import type { FaultContext } from "./fault.ts";

/** After how many bytes. */
export const byteCount = range(size(0, 2 ** 40));

/**
 * Lets so many bytes pass and then ends the connection; what still comes is read
 * and thrown away. It has to be the last stage, so that those bytes are sent by then.
 */
export async function* endAfter(
  chunks: Chunks,
  { least, most }: Range,
  context: FaultContext,
  end: () => Promise<void>,
): Chunks {
  let left = context.random.whole(least, most);
  let ended = false;
  for await (const chunk of chunks) {
    if (left > 0) yield { ...chunk, bytes: chunk.bytes.subarray(0, left) };
    left -= chunk.bytes.length;
    if (left > 0 || ended) continue;
    ended = true;
    context.recordInjection();
    await end();
  }
}
