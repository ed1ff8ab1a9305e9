// The log of a thread, which the first thread writes.
import type { Log, LogFields, LogLevel } from "./log.ts";

/** A line of the log. */
export interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: LogFields;
}

/** The first thread writes so many lines at once, and then looks after its clients. */
const BATCH = 50;

/**
 * With so many lines waiting, more are dropped, until half of them are written:
 * one line reports many.
 */
const MAX_LINES = 10_000;

/** Lines that wait to be written. */
export class LogQueue {
  readonly #write: (lines: readonly Line[]) => Promise<void>;
  readonly #lines: Line[] = [];
  #dropped = 0;
  #writing: Promise<void> | undefined;

  /** @param write writes lines; called again once it has returned */
  constructor(write: (lines: readonly Line[]) => Promise<void>) {
    this.#write = write;
  }

  /** A log whose lines go into the queue. */
  logOf(levels: readonly LogLevel[]): Log {
    const log: Log = {};
    for (const level of levels) {
      log[level] = (message, fields) => {
        const most = this.#dropped > 0 ? MAX_LINES / 2 : MAX_LINES;
        if (this.#lines.length > most) return void this.#dropped++;
        this.#add({ level, message, fields });
      };
    }
    return log;
  }

  /** Waits until all lines are written. */
  async flush(): Promise<void> {
    if (this.#dropped > 0) this.#add();
    await this.#writing;
  }

  #add(...lines: Line[]): void {
    if (this.#dropped > 0) {
      const fields = { lines: this.#dropped };
      this.#lines.push({ level: "warn", message: "lines of the log were dropped", fields });
    }
    this.#dropped = 0;
    this.#lines.push(...lines);
    this.#writing ??= this.#run();
  }

  async #run(): Promise<void> {
    while (this.#lines.length > 0) await this.#write(this.#lines.splice(0, BATCH));
    this.#writing = undefined;
  }
}
