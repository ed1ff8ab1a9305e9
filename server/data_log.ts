/**
 * Logs what connections bring.
 *
 * @module
 */
import { excerpt, type Log } from "./log.ts";
import type { Stage } from "./staged_echo.ts";

/**
 * Logs the beginning of what each read of a connection brings, before it is
 * sent back.
 *
 * @param connection its number
 */
export function dataLog(log: Log, form: "text" | "hex", connection: number): Stage {
  return async function* (chunks) {
    for await (const chunk of chunks) {
      const { bytes } = chunk;
      log.info?.("read", { connection, bytes: bytes.length, data: excerpt(bytes, form) });
      yield chunk;
    }
  };
}
