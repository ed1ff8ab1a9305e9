// Runs a whole command line, except for exiting.
import config from "../deno.json" with { type: "json" };
import { commands } from "./commands.ts";
import { completions } from "./commands/completions.ts";
import { CANNOT_RUN, fail, SUCCESS } from "./exit.ts";
import { commandHelp, programHelp } from "./commands/help.ts";
import { helpFlag, parseCommand, parseInvocation } from "./parse.ts";
import { print, printError } from "./stdio.ts";

const NEEDED_DENO = [2, 9] as const;

/** @param exit ends the program at once, after a second signal */
export async function runCommandLine(
  args: readonly string[],
  exit: (status: number) => never,
): Promise<number> {
  return await run(args, exit).catch(fail);
}

async function run(
  [name, ...args]: readonly string[],
  exit: (status: number) => never,
): Promise<number> {
  // localeCompare would load the rules of a language, which takes half as long as --version.
  const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
  const isOlder = major < NEEDED_DENO[0] || major === NEEDED_DENO[0] && minor < NEEDED_DENO[1];
  // An executable has the Deno that it was made with.
  if (isOlder && !Deno.build.standalone) {
    printError(
      `yodel requires Deno ${NEEDED_DENO.join(".")} or later, and this is ${Deno.version.deno}; ` +
        "run deno upgrade, or npm install --global deno@latest",
    );
    return CANNOT_RUN;
  }
  if (name === "--help" || name === "-h") return await show(programHelp(commands));
  if (["--version", "-V", "version"].includes(name ?? "")) {
    return await show(`yodel ${config.version}\n`);
  }
  if (name === undefined) {
    printError(programHelp(commands).trimEnd());
    return CANNOT_RUN;
  }
  // No help has it: only the completion scripts ask for it.
  if (name === "complete") return await show([...completions(args, commands), ""].join("\n"));
  const command = parseCommand(name, args);
  const help = helpFlag(args);
  if (help !== undefined) return await show(commandHelp(name, command, help === "-h"));
  const { version } = config;
  return await command.run(parseInvocation(command, args), { commands, version, exit });
}

async function show(text: string): Promise<number> {
  await print(text);
  return SUCCESS;
}
