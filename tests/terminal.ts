/** Programs on a terminal, which script(1) makes. */
import { linux, until } from "./machine.ts";
import { available } from "./program.ts";

/** Options of tests that need one. */
export const onTerminal = { ignore: !available("script") || !linux };

/** A terminal of 80 columns in which a command runs. */
export interface Terminal extends AsyncDisposable {
  /** What the command printed, with the sequences for colours and the cursor. */
  raw(): string;
  /** What stands on the screen: without colours, and of a line that is written over, the last. */
  screen(): string;
  /** Waits until the screen has something. */
  shows(what: RegExp): Promise<void>;
  type(keys: string): Promise<void>;
  /** Presses Ctrl-C until the command ends, and returns its exit status. */
  interrupt(): Promise<number>;
  /** The exit status, once all is printed. */
  ended: Promise<number>;
}

/** Runs a command of the shell on a terminal. */
export function openTerminal(command: string): Terminal {
  const child = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", `stty cols 80 rows 24; ${command}`, "/dev/null"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const keys = child.stdin.getWriter();
  let raw = "";
  async function read(): Promise<number> {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) raw += part;
    const { code } = await child.status;
    await keys.close().catch(() => {});
    return code;
  }
  const terminal: Terminal = {
    ended: read(),
    raw: () => raw,
    screen() {
      // deno-lint-ignore no-control-regex
      const plain = raw.replace(/\x1b\[[\d;?]*[a-z]/gi, "").replace(/\r+\n/g, "\n");
      return plain.replace(/^.*\r/gm, "").replace(/ +$/gm, "");
    },
    shows: (what) => until(() => what.test(terminal.screen()), `the screen shows ${what}`),
    type: (text) => keys.write(new TextEncoder().encode(text)),
    async interrupt() {
      const press = () => terminal.type("\x03").catch(() => {});
      press();
      // One that comes within 100 ms counts as the first once more.
      const again = setInterval(press, 50);
      return await terminal.ended.finally(() => clearInterval(again));
    },
    [Symbol.asyncDispose]: async () => void await terminal.interrupt(),
  };
  return terminal;
}
