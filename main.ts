/**
 * The command line: chooses the command, runs it and exits with its status.
 * Nothing else reads arguments or exits.
 *
 * @module
 */
import { isThread } from "./async/threads.ts";
import { commands } from "./cli/commands.ts";
import { proposals } from "./cli/complete.ts";
import { ALL_WELL, COULD_NOT_BE_DONE, fail } from "./cli/exit.ts";
import { commandHelp, programHelp } from "./cli/help.ts";
import { asksForHelp, parseCommand, parseInvocation } from "./cli/parse.ts";
import { print, say } from "./cli/stdio.ts";
import config from "./deno.json" with { type: "json" };

const NEEDED_DENO = "2.9";

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (isTooOld(Deno.version.deno)) {
    say(
      `yodel needs Deno ${NEEDED_DENO} or later, this is ${Deno.version.deno}; ` +
        "get it with deno upgrade, or with npm install --global deno@latest",
    );
    return COULD_NOT_BE_DONE;
  }
  if (name === "--help" || name === "-h") return await show(programHelp(commands));
  if (["--version", "-V", "version"].includes(name ?? "")) {
    return await show(`yodel ${config.version}\n`);
  }
  if (name === undefined) {
    say(programHelp(commands).trimEnd());
    return COULD_NOT_BE_DONE;
  }
  // No help has it: only the scripts of cli/completions.ts ask for it.
  if (name === "complete") return await show([...proposals(args, commands), ""].join("\n"));
  const command = parseCommand(name, args);
  if (asksForHelp(args)) return await show(commandHelp(name, command));
  return await command.run(parseInvocation(command, args), {
    commands,
    version: config.version,
    exit: Deno.exit,
  });
}

/** Whether this Deno lacks what the program calls. An executable has the one that it was made with. */
function isTooOld(version: string): boolean {
  if (Deno.build.standalone) return false;
  return version.localeCompare(NEEDED_DENO, "en", { numeric: true }) < 0;
}

async function show(text: string): Promise<number> {
  await print(text);
  return ALL_WELL;
}

if (import.meta.main && !isThread) Deno.exit(await main(Deno.args).catch(fail));
