// The program's standard streams.
import { type Input, type Output, StreamError, writeAll } from "../client/streams.ts";
import { escapeControls } from "../net/escape.ts";
import { pause } from "../async/pause.ts";

const encoder = new TextEncoder();

/** What is left as it is where nothing but the text itself says where its lines end. */
const LAYOUT = "\n\t\\";

export const stdin: Input = { read: (into) => whenReady(() => Deno.stdin.read(into)) };

export const stdout: Output = { write: (bytes) => whenReady(() => Deno.stdout.write(bytes)) };

/** Shows what comes from the network without letting it control the terminal. */
export class TerminalOutput implements Output {
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  async write(bytes: Uint8Array): Promise<number> {
    await this.#show(this.#decoder.decode(bytes, { stream: true }));
    return bytes.length;
  }

  /** Shows the beginning of a character whose end did not come. */
  async end(): Promise<void> {
    await this.#show(this.#decoder.decode());
  }

  async #show(text: string): Promise<void> {
    await writeAll(stdout, encoder.encode(escapeControls(text, LAYOUT)));
  }
}

/**
 * Tries again as long as a stream would block, which it does only where the
 * program on its other end has set it so: Deno waits for the others itself.
 */
async function whenReady<T>(operation: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await pause(10);
    }
  }
}

/** Writes to stdout, for as long as anybody reads it; returns whether anybody did. */
export async function print(text: string): Promise<boolean> {
  try {
    await writeAll(stdout, encoder.encode(text));
    return true;
  } catch (error) {
    if (isBrokenPipe(error)) return false;
    throw error;
  }
}

/** Prints a text for people to stderr, escaped. Errors of writing are ignored. */
export function printError(text: string): void {
  try {
    const bytes = encoder.encode(fitted(escapeControls(text, LAYOUT), "", Deno.stderr) + "\n");
    for (let written = 0; written < bytes.length;) {
      written += Deno.stderr.writeSync(bytes.subarray(written));
    }
  } catch {
    // A closed pipe or a full disk: the exit status still counts.
  }
}

/** Prints lines one after the other, for as long as anybody reads them. */
export class LinePrinter {
  readonly #unread = new AbortController();
  #printed = Promise.resolve();

  /** Is aborted when nobody reads them any more, or they cannot be written. */
  get unread(): AbortSignal {
    return this.#unread.signal;
  }

  /** Prints a line after those before it. What fails is thrown by {@linkcode finish}. */
  print(line: string): Promise<void> {
    this.#printed = this.#printed.then(async () => {
      if (!this.unread.aborted && !await print(line + "\n")) this.#unread.abort();
    });
    return this.#printed.catch(() => this.#unread.abort());
  }

  /** Waits until all is printed; throws a {@linkcode StreamError} where it cannot be written. */
  async finish(): Promise<void> {
    await this.#printed;
  }
}

/** Whether a stream failed because nobody reads it any more, as after `| head`. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof StreamError && error.cause instanceof Deno.errors.BrokenPipe;
}

/** How many characters a line of the terminal has; 80 where there is none. */
export function columns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}

/** Breaks a text at spaces into lines of so many characters at most, where its words allow it. */
export function wrapped(text: string, width: number): string[] {
  return text.match(new RegExp(`\\S(?:.{0,${width - 1}}(?!\\S)|\\S*)`, "g")) ?? [];
}

/** Breaks the lines that are too wide for a terminal, where it is one; they go on after `indent`. */
export function fitted(text: string, indent = "", to: typeof Deno.stderr = Deno.stdout): string {
  const width = to.isTerminal() ? columns() : Infinity;
  return text.replace(/.+/g, (line) => {
    if (line.length <= width) return line;
    return line.match(/^ */) + wrapped(line, width - indent.length).join(`\n${indent}`);
  });
}

/** A terminal that takes nothing for so long is stopped, in milliseconds. */
const STOPPED = 1000;

/** A line of the terminal, on stderr, that is written over and over. */
export class StatusLine {
  #written: Promise<unknown> = Promise.resolve();

  show(text: string): void {
    this.#write(`\r\x1b[2K${text.slice(0, columns() - 1)}`);
  }

  /** Clears it, before something else is printed. */
  async clear(): Promise<void> {
    this.#write("\r\x1b[2K");
    await Promise.race([this.#written, pause(STOPPED)]);
  }

  #write(text: string): void {
    // One after the other; a terminal that is stopped must not stop the load.
    const bytes = encoder.encode(text);
    this.#written = this.#written.then(() => Deno.stderr.write(bytes)).catch(() => {});
  }
}
