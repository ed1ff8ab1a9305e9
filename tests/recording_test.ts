/**
 * The recording in the README: what its commands print on a terminal, when they are run again.
 *
 *     deno task test tests/recording_test.ts -- --refresh     writes it anew
 */
import { assertEquals } from "@std/assert";
import { freePort } from "./local.ts";
import { programScript, root, startServer } from "./program.ts";
import { onTerminal, openTerminal } from "./terminal.ts";

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

/** Runs the commands of the recording on a free port, and says what they print of port 2222. */
async function record(commands: readonly string[]): Promise<Recorded[]> {
  const port = freePort();
  const folder = await Deno.makeTempDir();
  // In the recording nothing says where the server is.
  const script = programScript.replace('"$@"', `"$@" localhost:${port}`);
  await Deno.writeTextFile(`${folder}/yodel`, script, { mode: 0o755 });
  const open = (command: string) =>
    openTerminal(`NO_COLOR=1 PATH="${folder}:$PATH"; export NO_COLOR PATH; ${command}`);
  async function outputOf(command: string): Promise<string> {
    const terminal = open(command);
    await terminal.ended;
    return terminal.screen();
  }
  const outputs = new Map<string, string>();

  const [serve = "", ...clients] = commands;
  // The last one is the load, whose connections would fill the log of the server.
  const load = clients.pop() ?? "";
  const server = open(serve);
  await server.shows(new RegExp(`:${port}`));
  for (const command of clients) outputs.set(command, await outputOf(command));
  await server.type("\x03");
  await server.ended;
  outputs.set(serve, server.screen());
  {
    await using _quiet = await startServer([`localhost:${port}`]);
    outputs.set(load, await outputOf(load));
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

Deno.test("commands of the README print what it shows, but for numbers", onTerminal, async () => {
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
