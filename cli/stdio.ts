import { type Input, type Output, StreamError, writeTo } from "../client/streams.ts";
import { escapeControls } from "../net/escape.ts";
import { pause } from "../async/pause.ts";

const encoder = new TextEncoder();

/** Characters that are not escaped in text of several lines. */
const LAYOUT = "\n\t\\";

export const stdin: Input = { read: (into) => whenReady(() => Deno.stdin.read(into)) };

export const stdout: Output = { write: (bytes) => whenReady(() => Deno.stdout.write(bytes)) };

/** Shows bytes from the network without letting them control the terminal. */
export class TerminalOutput implements Output {
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  async write(bytes: Uint8Array): Promise<number> {
    await this.#show(this.#decoder.decode(bytes, { stream: true }));
    return bytes.length;
  }

  /** Shows the beginning of an incomplete character. */
  async end(): Promise<void> {
    await this.#show(this.#decoder.decode());
  }

  async #show(text: string): Promise<void> {
    await writeTo(stdout, encoder.encode(escapeControls(text, LAYOUT)));
  }
}

/** Retries while a stream would block, which Deno leaves to us if another program has set O_NONBLOCK. */
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

/** Writes to stdout; returns false if its reader has closed it. */
export async function print(text: string): Promise<boolean> {
  try {
    await writeTo(stdout, encoder.encode(text));
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

/** Prints lines one after the other until the reader closes stdout. */
export class LinePrinter {
  readonly #unread = new AbortController();
  #printed = Promise.resolve();
  /** Is aborted when stdout is closed, or cannot be written. */
  readonly unread = this.#unread.signal;

  /** Errors are thrown by {@linkcode finish}. */
  print(line: string): Promise<void> {
    this.#printed = this.#printed.then(async () => {
      if (!this.unread.aborted && !await print(line + "\n")) this.#unread.abort();
    });
    return this.#printed.catch(() => this.#unread.abort());
  }

  /** Waits until all is printed; throws a {@linkcode StreamError} if it cannot be written. */
  async finish(): Promise<void> {
    await this.#printed;
  }
}

/** Whether a stream failed because its reader has closed it, as `| head` does. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof StreamError && error.cause instanceof Deno.errors.BrokenPipe;
}

/** The width of the terminal. */
function columns(): number {
  return Deno.consoleSize().columns || 80;
}

/** Breaks a text at spaces into lines of at most `width` characters, unless a word is longer. */
export function wrapped(text: string, width: number): string[] {
  return text.match(new RegExp(`\\S(?:.{0,${width - 1}}(?!\\S)|\\S*)`, "g")) ?? [];
}

/** Formats pairs as two columns of 80 characters; a long first part has a line of its own. */
export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(26, Math.max(...rows.map(([left]) => left.length)));
  const below = `\n  ${"".padEnd(width)}  `;
  return rows.map(([left, right]) => {
    const lines = wrapped(right, 76 - width).join(below);
    return `  ${left.padEnd(width)}${left.length > width ? below : "  "}${lines}`;
  }).join("\n");
}

/** Breaks lines that are wider than the terminal, if `to` is one; they continue after `indent`. */
export function fitted(text: string, indent = "", to: typeof Deno.stderr = Deno.stdout): string {
  const width = to.isTerminal() ? columns() : Infinity;
  return text.replace(/.+/g, (line) => {
    if (line.length <= width) return line;
    return line.match(/^ */) + wrapped(line, width - indent.length).join(`\n${indent}`);
  });
}

/** How long to wait for a terminal that is stopped, in milliseconds. */
const STOPPED = 1000;

/** A line on the terminal of stderr that is overwritten. */
export class StatusLine {
  #written: Promise<unknown> = Promise.resolve();

  show(text: string): void {
    this.#write(text.slice(0, columns() - 1));
  }

  async clear(): Promise<void> {
    this.#write("");
    await Promise.race([this.#written, pause(STOPPED)]);
  }

  /** Does not wait: a terminal that is stopped must not stop the load. */
  #write(text: string): void {
    this.#written = Deno.stderr.write(encoder.encode(`\r\x1b[2K${text}`)).catch(() => {});
  }
}
