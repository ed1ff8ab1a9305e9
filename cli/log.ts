// The log of the server. Only this file uses `@std/log` (docs/development.md, "Dependencies").
import { BaseHandler } from "jsr:@std/log@0.224.14/base-handler";
import type { LevelName } from "jsr:@std/log@0.224.14/levels";
import { Logger, type LogRecord } from "jsr:@std/log@0.224.14/logger";
import { writeTo } from "../client/streams.ts";
import { escapeControls } from "../net/escape.ts";
import { formatClock } from "../report/figures.ts";
import { type Log, LOG_LEVELS, type LogFields, type LogLevel } from "../server/log.ts";

export const LOG_FORMATS = ["text", "json"] as const;

export const LOG_DEFAULTS = { logLevel: "info", logFormat: "text" } as const;

/** The most characters that may wait to be written; further lines are dropped. */
const MAX_WAITING = 1024 * 1024;

export interface LogEntry {
  readonly time: Date;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export function createLog(
  level: LogLevel = LOG_DEFAULTS.logLevel,
  format: typeof LOG_FORMATS[number] = LOG_DEFAULTS.logFormat,
): Log & { written(): Promise<void> } {
  const levelName = level.toUpperCase() as LevelName;
  const isScreen = format === "text" && Deno.stderr.isTerminal();
  const lineOf = format === "json" ? jsonLine : isScreen ? terminalLine : textLine;
  const handler = new StderrHandler(levelName, lineOf);
  const logger = new Logger("yodel", levelName, { handlers: [handler] });
  const isSummed = isScreen ? endSums((sums) => logger.info("closed more", sums)) : () => false;
  const log: Log = {};
  for (const wanted of LOG_LEVELS.slice(LOG_LEVELS.indexOf(level))) {
    log[wanted] = (message, fields = {}) => {
      if (!isSummed(message, fields)) logger[wanted](message, fields);
    };
  }
  return { ...log, written: () => handler.written() };
}

/** The most ends of connections in a second that have a line each on a terminal. */
const MAX_ENDS = 5;

/** Adds up the further ones; the function that is returned says of a line whether it is added. */
function endSums(print: (sums: LogFields) => void) {
  let ends = 0;
  let sums: Record<string, number> = {};
  function flush(): void {
    if (ends > MAX_ENDS) print(sums);
    ends = 0;
    sums = {};
  }
  return (message: string, { received_bytes = 0, sent_bytes = 0, why }: LogFields): boolean => {
    if (message === "stopped") flush();
    if (message !== "closed") return false;
    if (ends++ === 0) setTimeout(flush, 1000);
    if (ends <= MAX_ENDS) return false;
    const added: LogFields = { connections: 1, received_bytes, sent_bytes, [`${why}`]: 1 };
    for (const key in added) sums[key] = (sums[key] ?? 0) + Number(added[key]);
    return true;
  };
}

function jsonLine({ fields, ...entry }: LogEntry): string {
  return JSON.stringify({ ...entry, ...fields });
}

function textLine({ time, level, ...entry }: LogEntry): string {
  return `${time.toISOString()} ${level} ${messageText(entry)}`;
}

const COLORS = { debug: 36, info: 32, warn: 33, error: 31 } as const;

/** Makes lines with the time of day in place of the date, written over the ^C of the terminal. */
function terminalLine({ time, level, ...entry }: LogEntry): string {
  const paint = (text: string, code: number) => Deno.noColor ? text : `\x1b[${code}m${text}\x1b[0m`;
  return `\r${paint(formatClock(time), 2)} ${paint(level, COLORS[level])} ${messageText(entry)}`;
}

function messageText({ message, fields }: Pick<LogEntry, "message" | "fields">): string {
  const pairs = Object.entries(fields).map(([key, value]) => {
    const text = escapeControls(String(value), "\\");
    return ` ${key}=${/^[^\s"]+$/.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`}`;
  });
  return message + pairs.join("");
}

const encoder = new TextEncoder();

/**
 * Does not wait: a stopped terminal, or a program that does not read, must not hold up the server.
 * The handlers of `@std/log` block, and write to stdout.
 */
class StderrHandler extends BaseHandler {
  #waiting = "";
  #dropped = 0;
  #writing: Promise<void> | undefined;

  constructor(level: LevelName, readonly lineOf: (entry: LogEntry) => string) {
    super(level, {
      formatter: ({ datetime: time, msg: message, levelName, args: [fields = {}] }: LogRecord) => {
        const level = levelName.toLowerCase() as LogLevel;
        return lineOf({ time, level, message, fields: fields as LogFields });
      },
    });
  }

  override log(line: string): void {
    if (this.#waiting.length > MAX_WAITING) this.#dropped++;
    else this.#waiting += line + "\n";
    this.#writing ??= this.#write().finally(() => this.#writing = undefined);
  }

  async written(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting !== "") {
      const bytes = encoder.encode(this.#waiting);
      const [message, fields] = ["lines of the log were dropped", { lines: this.#dropped }];
      this.#waiting = "";
      this.#dropped = 0;
      if (fields.lines > 0) {
        this.log(this.lineOf({ time: new Date(), level: "warn", message, fields }));
      }
      try {
        await writeTo(Deno.stderr, bytes);
      } catch {
        // A closed pipe or a full disk: the server goes on.
      }
    }
  }
}
