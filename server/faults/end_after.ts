import { type Range, range, size } from "../../values/value_types.ts";
import type { Chunks } from "../staged_echo.ts";
import type { FaultContext } from "./fault.ts";

/** A number of bytes; what is drawn from a range is another one for each connection. */
export const byteCount = range(size(0, 2 ** 40));

/**
 * Lets so many bytes pass and then ends the connection; what still comes is read
 * and thrown away. By the time the next chunk is asked for, those bytes are sent.
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
