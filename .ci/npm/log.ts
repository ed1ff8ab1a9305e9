/**
 * Stands in for `@std/log` where only the npm registry is reachable: the parts
 * of its modules base-handler, levels and logger that the project uses.
 *
 * @module
 */

const LEVELS = { NOTSET: 0, DEBUG: 10, INFO: 20, WARN: 30, ERROR: 40, CRITICAL: 50 } as const;

/** The name of a level. */
export type LevelName = keyof typeof LEVELS;

/** A line of the log. */
export class LogRecord {
  readonly datetime: Date = new Date();

  constructor(
    readonly levelName: LevelName,
    readonly msg: string,
    readonly args: unknown[],
  ) {}
}

/** Options of {@linkcode BaseHandler}. */
export interface BaseHandlerOptions {
  formatter?: (record: LogRecord) => string;
}

/** Brings the lines of a log to where they are read. */
export abstract class BaseHandler {
  formatter: (record: LogRecord) => string;

  constructor(readonly levelName: LevelName, options: BaseHandlerOptions = {}) {
    this.formatter = options.formatter ?? ((record) => `${record.levelName} ${record.msg}`);
  }

  handle(record: LogRecord): void {
    if (LEVELS[record.levelName] >= LEVELS[this.levelName]) this.log(this.formatter(record));
  }

  abstract log(message: string): void;
}

/** Gives lines that are of its level or above it to its handlers. */
export class Logger {
  readonly #handlers: readonly BaseHandler[];

  constructor(
    readonly loggerName: string,
    readonly levelName: LevelName,
    options: { handlers?: BaseHandler[] } = {},
  ) {
    this.#handlers = options.handlers ?? [];
  }

  debug(message: string, ...args: unknown[]): string {
    return this.#log("DEBUG", message, args);
  }

  info(message: string, ...args: unknown[]): string {
    return this.#log("INFO", message, args);
  }

  warn(message: string, ...args: unknown[]): string {
    return this.#log("WARN", message, args);
  }

  error(message: string, ...args: unknown[]): string {
    return this.#log("ERROR", message, args);
  }

  #log(levelName: LevelName, message: string, args: unknown[]): string {
    if (LEVELS[levelName] >= LEVELS[this.levelName]) {
      const record = new LogRecord(levelName, message, args);
      for (const handler of this.#handlers) handler.handle(record);
    }
    return message;
  }
}
