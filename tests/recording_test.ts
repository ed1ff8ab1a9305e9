/**
 * The recording in the README: what its commands print on a terminal, when they are run again.
 *
 *     deno task test tests/recording_test.ts -- --refresh     writes it anew
 */
import { assertEquals } from "@std/assert";
import { freePort, linux, until } from "./local.ts";
import { available, program, root, startServer } from "./program.ts";

const README = `${root}README.md`;

/** A command of the recording, after a dollar sign, and what it prints. */
interface Recorded {
  readonly command: string;
  readonly output: string;
}

/** The commands of all blocks of `console`, by their names in the README. */
function recordedIn(readme: string): Recorded[] {
  return [...readme.matchAll(/^```console\n(.*?)^```$/gms)]
    .flatMap(([, block = ""]) => block.split(/^\$ /m).slice(1))
    .map((part) => {
      const [command = "", ...output] = part.split("\n");
      return { command, output: output.join("\n") };
    });
}

/** A terminal in which a command runs. */
class Terminal {
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<void>;
  #bytes = "";

  constructor(script: string) {
    this.#child = new Deno.Command("script", {
      args: ["--quiet", "--return", "--command", `stty cols 80 rows 24; ${script}`, "/dev/null"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#ended = this.#read();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const part of this.#child.stdout) {
      this.#bytes += decoder.decode(part, { stream: true });
    }
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
  }

  /** What stands on the screen: of what was written over, the last. */
  get screen(): string {
    // deno-lint-ignore no-control-regex
    const plain = this.#bytes.replace(/\x1b\[[\d;?]*[a-z]/gi, "").replace(/\r+\n/g, "\n");
    return plain.replace(/^.*\r/gm, "").replace(/ +$/gm, "");
  }

  /** Types Ctrl-C. */
  async interrupt(): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new Uint8Array([3]));
    writer.releaseLock();
  }

  /** What it printed, all in all. */
  async transcript(): Promise<string> {
    await this.#ended;
    return this.screen;
  }
}

/** Runs the commands of the recording on a free port, and says what they print of port 2222. */
async function record(commands: readonly string[]): Promise<Recorded[]> {
  const port = freePort();
  const folder = await Deno.makeTempDir();
  // In the recording nothing says where the server is.
  const words = program.map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(`${folder}/yodel`, `#!/bin/sh\nexec ${words} "$@" localhost:${port}\n`);
  await Deno.chmod(`${folder}/yodel`, 0o755);
  const open = (command: string) =>
    new Terminal(`NO_COLOR=1 PATH="${folder}:$PATH"; export NO_COLOR PATH; ${command}`);
  const outputs = new Map<string, string>();

  const [serve = "", ...clients] = commands;
  // The last one is the load, whose connections would fill the log of the server.
  const load = clients.pop() ?? "";
  const server = open(serve);
  await until(() => server.screen.includes(`:${port}`), "the server listens");
  for (const command of clients) outputs.set(command, await open(command).transcript());
  await server.interrupt();
  outputs.set(serve, await server.transcript());
  {
    await using _quiet = await startServer([`localhost:${port}`]);
    outputs.set(load, await open(load).transcript());
  }
  await Deno.remove(folder, { recursive: true });
  return commands.map((command) => ({
    command,
    output: (outputs.get(command) ?? "").replaceAll(`:${port}`, ":2222"),
  }));
}

/** The lines, sorted, with all that can differ from run to run made equal. */
function pattern({ output }: Recorded): string[] {
  const lines = output.split("\n").map((line) =>
    line
      .replace(/127\.0\.0\.1|\[::1\]/g, "ADDRESS")
      .replace(/\d[\d,.:TZ-]*/g, "0")
      .replace(/\b0 [µm]?s\b/g, "0 s")
      .replace(/\b0 [kMG]?B\b/g, "0 B")
      .replace(/ +/g, " ")
      .replace(/#+$/, "#")
      .replace(/[▁▂▃▄▅▆▇█]+/g, "▁")
      .trim()
  );
  // The log and what is printed are written side by side.
  return lines.filter((line) => line !== "").toSorted();
}

Deno.test("the commands of the README print what is recorded there, but for the numbers", {
  ignore: !linux || !available("script"),
}, async () => {
  const readme = await Deno.readTextFile(README);
  const recorded = recordedIn(readme);
  const now = await record(recorded.map(({ command }) => command));
  if (Deno.args.includes("--refresh")) {
    const refreshed = recorded.reduce(
      (text, { command, output }, i) =>
        text.replace(`$ ${command}\n${output}`, () => `$ ${command}\n${now[i]?.output}`),
      readme,
    );
    await Deno.writeTextFile(README, refreshed);
    return;
  }
  assertEquals(now.map(pattern), recorded.map(pattern));
});
