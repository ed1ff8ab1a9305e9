/**
 * The command line: chooses the command, runs it and exits with its status.
 * Nothing else reads arguments or exits.
 *
 * @module
 */
import { commands } from "./cli/commands.ts";
import { ALL_WELL, fail } from "./cli/exit.ts";
import { commandHelp, programHelp } from "./cli/help.ts";
import { asksForHelp, parseCommand, parseInvocation } from "./cli/parse.ts";
import { print } from "./cli/stdio.ts";
import config from "./deno.json" with { type: "json" };

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === "--help" || name === "-h") return await show(programHelp());
  if (name === "--version" || name === "-V") return await show(`yodel ${config.version}\n`);
  const command = parseCommand(name);
  if (asksForHelp(args)) return await show(commandHelp(String(name), command));
  return await command.run(parseInvocation(command, args), { commands, exit: Deno.exit });
}

async function show(text: string): Promise<number> {
  await print(text);
  return ALL_WELL;
}

if (import.meta.main) Deno.exit(await main(Deno.args).catch(fail));
