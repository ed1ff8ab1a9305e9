// Ending a connection after so many bytes.
import { range, size } from "../../values/kinds.ts";
import type { Stage } from "../staged_echo.ts";
import type { Victim } from "./fault.ts";

/** After how many bytes. */
export const byteCount = range(size(0, 2 ** 40));

/**
 * Lets so many bytes pass and then ends the connection; what still comes is read
 * and thrown away. It has to be the last stage, so that those bytes are sent by then.
 *
 * @param end how it ends
 */
export function endAfter(
  { least, most }: { readonly least: number; readonly most: number },
  victim: Victim,
  end: () => Promise<void>,
): Stage {
  return async function* (chunks) {
    let left = victim.random.whole(least, most);
    let ended = false;
    for await (const chunk of chunks) {
      if (left > 0) yield { ...chunk, bytes: chunk.bytes.subarray(0, left) };
      left -= chunk.bytes.length;
      if (left > 0 || ended) continue;
      ended = true;
      victim.struck();
      await end();
    }
  };
}
