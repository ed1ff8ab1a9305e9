// The log of a thread; the first thread writes it.
import type { Log, LogFields, LogLevel } from "./log.ts";

export interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: LogFields;
}

/** How many lines the first thread writes before it serves its clients again. */
const BATCH = 50;

/** With more lines waiting, lines are dropped until half of them are written. */
const MAX_LINES = 10_000;

/** Lines that wait to be written. */
export class LogQueue {
  readonly #lines: Line[] = [];
  #dropped = 0;
  #writing: Promise<void> | undefined;

  constructor(private readonly write: (lines: readonly Line[]) => Promise<void>) {}

  /** Makes a log that adds its lines to the queue. */
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
    while (this.#lines.length > 0) await this.write(this.#lines.splice(0, BATCH));
    this.#writing = undefined;
  }
}
