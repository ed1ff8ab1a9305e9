// What a server says of what happens. Where that goes is for others to decide.
import { escapeControls } from "../net/escape.ts";

/** Details of a log line. A key ends in its unit, where it has one: `duration_ms`. */
export type LogFields = Record<string, string | number | readonly string[]>;

/** Writes a line. */
export type LogLine = (message: string, fields?: LogFields) => void;

/**
 * Where the server says what happens. A level that nobody wants to read is left
 * out, and called as `log.debug?.(…)`, so that its lines are not even made.
 */
export interface Log {
  /** For those who look for a fault. */
  debug?: LogLine;
  /** What happens all the time. */
  info?: LogLine;
  /** What somebody should know. */
  warn?: LogLine;
  /** What went wrong. */
  error?: LogLine;
}

/** The names of the levels, from the most talkative to the quietest. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const satisfies (keyof Log)[];

/** One of {@linkcode LOG_LEVELS}. */
export type LogLevel = typeof LOG_LEVELS[number];

/** How the log shows what connections bring. */
export type LogDataForm = "off" | "text" | "hex";

/** Every {@linkcode LogDataForm}. */
export const LOG_DATA_FORMS = ["off", "text", "hex"] as const satisfies LogDataForm[];

/** How much of what came a line shows, in bytes. */
const EXCERPT_BYTES = 256;

/**
 * The details of a line that shows what came: how much, and its beginning as text
 * without control characters or as hexadecimal digits.
 *
 * @param offset how much came before on the same connection, in bytes
 */
export function dataFields(bytes: Uint8Array, form: "text" | "hex", offset: number): LogFields {
  const shown = bytes.subarray(0, EXCERPT_BYTES);
  const more = bytes.length > EXCERPT_BYTES ? "…" : "";
  if (form === "hex") return { bytes: bytes.length, offset, data: shown.toHex() + more };
  // As a stream, the decoder leaves out a character that the cut has halved.
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(shown, { stream: more !== "" });
  return { bytes: bytes.length, data: escapeControls(text) + more };
}
