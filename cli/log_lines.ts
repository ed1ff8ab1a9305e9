// What a line of the log looks like: for programs, in a pipe, on a terminal.
import { formatClock } from "../report/units.ts";
import { escapeControls } from "../net/escape.ts";
import type { Log, LogFields } from "../server/log.ts";

/** What a line says. */
export interface LogEntry {
  readonly time: Date;
  readonly level: keyof Log;
  readonly message: string;
  readonly fields: LogFields;
}

export function jsonLine({ fields, ...entry }: LogEntry): string {
  return JSON.stringify({ ...entry, ...fields });
}

/** Date and time, level, message and details; hexadecimal data in lines that follow. */
export function textLine({ time, level, message, fields }: LogEntry): string {
  const words = [time.toISOString(), level, message];
  for (const [key, value] of Object.entries(withoutDump(fields))) {
    words.push(`${key}=${quoteIfNeeded(escapeControls(String(value), "\\"))}`);
  }
  return [words.join(" "), ...dumpOf(fields)].join("\n");
}

const COLOURS = { debug: 36, info: 32, warn: 33, error: 31 } as const;

/** Stands before what is continued on a line of its own: the width of the time. */
const INDENT = " ".repeat(13);

/**
 * The same as {@linkcode textLine}, but short: the time of day, details without names where they
 * can be told by their looks, and broken between words where it is wider than the terminal.
 */
export function terminalLine(
  { time, level, message, fields }: LogEntry,
  columns: number,
  colour: boolean,
): string {
  const clock = formatClock(time);
  const words = message.split(" ");
  for (const key of Object.keys(withoutDump(fields))) {
    const shown = escapeControls(shortField(key, fields), "\\");
    if (shown === "") continue;
    // What a client sent is not to be broken where it has a space.
    words.push(...key === "data" ? [shown] : shown.split(" "));
  }
  const lines = [`${clock} ${level}`];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (longer.length > columns) lines.push(INDENT + word);
    else lines[lines.length - 1] = longer;
  }
  if (colour) {
    const rest = lines[0]?.slice(clock.length + 1 + level.length);
    lines[0] = `\x1b[2m${clock}\x1b[0m \x1b[${COLOURS[level]}m${level}\x1b[0m${rest}`;
  }
  // Begins at the left, over the ^C that the terminal shows of the key.
  return "\r" + [...lines, ...dumpOf(fields)].join("\n");
}

/** A detail as {@linkcode terminalLine} shows it; empty where others tell the same. */
function shortField(key: string, { [key]: value = "", ...others }: LogFields): string {
  const text = [value].flat().map((one) => quoteIfNeeded(String(one))).join(", ");
  switch (key) {
    case "connection":
      return `#${text}`;
    case "peer":
      // At a Unix socket it has no name; at :: one of IPv4 has a longer one.
      return text === "unix" ? "" : text.replace(/^\[::ffff:([\d.]+)\]/, "$1");
    case "endpoint":
      return text.replace(/:\/\/.*:/, ":");
    case "received_bytes":
      return value === others.sent_bytes ? `bytes=${text}` : `in=${text}`;
    case "sent_bytes":
      return value === others.received_bytes ? "" : `out=${text}`;
    case "duration_ms":
      return `${(Number(value) / 1000).toFixed(3)}s`;
    case "endpoints":
    case "why":
    case "error":
    case "data":
      return text;
    default:
      return `${key.replace(/^datagrams_/, "")}=${text}`;
  }
}

/** Data whose place in the stream is told is hexadecimal, and has lines of its own. */
function withoutDump(fields: LogFields): LogFields {
  if (fields.offset === undefined) return fields;
  const { offset: _offset, data: _data, ...others } = fields;
  return others;
}

function dumpOf({ offset, data, bytes, connection }: LogFields): string[] {
  if (offset === undefined) return [];
  const shown = Uint8Array.fromHex(String(data).replace("…", ""));
  const lines = hexDump(shown, Number(offset));
  const more = Number(bytes) - shown.length;
  if (more > 0) lines.push(`${position(Number(offset) + shown.length)}  … ${more} bytes more`);
  return lines.map((line) => connection === undefined ? line : `#${connection} ${line}`);
}

function quoteIfNeeded(value: string): string {
  return /^[^\s"]+$/.test(value) ? value : `"${value.replaceAll('"', '\\"')}"`;
}

const ROW = 16;

/**
 * Shows bytes in lines of 16: where they stand, their hexadecimal digits, and
 * their characters, of which those that are not plain ASCII become dots.
 *
 * Narrower than the original by three characters, so that a line that begins
 * with the number of a connection fits 80 columns up to number 999.
 */
export function hexDump(bytes: Uint8Array, offset: number): string[] {
  const rows = Math.ceil(bytes.length / ROW);
  return Array.from({ length: rows }, (_, i) => {
    const row = [...bytes.subarray(i * ROW, (i + 1) * ROW)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const halves = `${digits.slice(0, 8).join(" ")}  ${digits.slice(8).join(" ")}`.padEnd(48);
    const characters = row.map((byte) =>
      byte < 0x20 || byte > 0x7e ? "." : String.fromCharCode(byte)
    );
    return `${position(offset + i * ROW)}  ${halves} |${characters.join("")}|`;
  });
}

function position(offset: number): string {
  return offset.toString(16).padStart(6, "0");
}
