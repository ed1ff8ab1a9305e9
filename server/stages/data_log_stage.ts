import { escapeControls } from "../../net/escape.ts";
import type { Log, LogFields } from "../log.ts";
import type { Stage } from "./echo_with_stages.ts";

/** The most bytes that a line shows. */
const EXCERPT_BYTES = 256;

/** Logs the first bytes of each read. */
export function dataLog(log: Log, form: "text" | "hex", connection: number): Stage {
  let offset = 0;
  return async function* (chunks) {
    for await (const chunk of chunks) {
      log.info?.("read", { connection, ...dataFields(chunk.bytes, form, offset) });
      offset += chunk.bytes.length;
      yield chunk;
    }
  };
}

/** The number of the received bytes, and the first ones; `offset` bytes came before them. */
export function dataFields(bytes: Uint8Array, form: "text" | "hex", offset: number): LogFields {
  const shown = bytes.subarray(0, EXCERPT_BYTES);
  const more = bytes.length > EXCERPT_BYTES ? "…" : "";
  if (form === "hex") return { bytes: bytes.length, offset, data: shown.toHex() + more };
  // As a stream, the decoder omits a character that was cut in half.
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(shown, { stream: more !== "" });
  return { bytes: bytes.length, data: escapeControls(text) + more };
}
