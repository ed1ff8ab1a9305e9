/**
 * The command line: chooses the command, runs it and exits with its status.
 * Nothing else reads arguments or exits.
 *
 * @module
 */
import { commands } from "./cli/commands.ts";
import { ALL_WELL, COULD_NOT_BE_DONE, fail } from "./cli/exit.ts";
import { commandHelp, programHelp } from "./cli/help.ts";
import { asksForHelp, parseCommand, parseInvocation } from "./cli/parse.ts";
import { print, say } from "./cli/stdio.ts";
import config from "./deno.json" with { type: "json" };

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === "--help" || name === "-h") return await show(programHelp(commands));
  if (["--version", "-V", "version"].includes(name ?? "")) {
    return await show(`yodel ${config.version}\n`);
  }
  if (name === undefined) {
    say(programHelp(commands).trimEnd());
    return COULD_NOT_BE_DONE;
  }
  const command = parseCommand(name, args);
  if (asksForHelp(args)) return await show(commandHelp(name, command));
  return await command.run(parseInvocation(command, args), { commands, exit: Deno.exit });
}

async function show(text: string): Promise<number> {
  await print(text);
  return ALL_WELL;
}

if (import.meta.main) Deno.exit(await main(Deno.args).catch(fail));
