// Logs what connections bring.
import { dataFields, type Log } from "./log.ts";
import type { Stage } from "./staged_echo.ts";

/**
 * Logs the beginning of what each read of a connection brings, before it is
 * sent back.
 *
 * @param connection its number
 */
export function dataLog(log: Log, form: "text" | "hex", connection: number): Stage {
  return async function* (chunks) {
    let offset = 0;
    for await (const chunk of chunks) {
      const { bytes } = chunk;
      log.info?.("read", { connection, ...dataFields(bytes, form, offset) });
      offset += bytes.length;
      yield chunk;
    }
  };
}
