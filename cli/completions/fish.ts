import { type Commands, type Flag, isToggle } from "../command.ts";
import { operandsOf, quote, takesFile } from "./words.ts";

/** Completes commands, flags, choices and files, and says what commands and flags are for. */
export function fish(commands: Commands): string {
  const lines = [
    "# fish completion for yodel: yodel completions fish | source",
    "complete -c yodel -f",
    "complete -c yodel -l help -d 'show help'",
    "complete -c yodel -n __fish_use_subcommand -l version -d 'show the version'",
  ];
  for (const [name, command] of Object.entries(commands)) {
    lines.push(
      `complete -c yodel -n __fish_use_subcommand -a ${name} -d ${quote(command.summary)}`,
    );
    const here = `complete -c yodel -n '__fish_seen_subcommand_from ${name}'`;
    const operands = operandsOf(command, commands);
    if (operands.length > 0) lines.push(`${here} -a ${quote(operands.join(" "))}`);
    for (const [name, flag] of Object.entries(command.flags)) {
      const letter = flag.short === undefined ? "" : ` -s ${flag.short}`;
      lines.push(`${here}${letter} -l ${name}${valuesOf(flag)} -d ${quote(flag.help)}`);
    }
  }
  return lines.join("\n") + "\n";
}

function valuesOf(flag: Flag): string {
  if (isToggle(flag)) return "";
  if (takesFile(flag)) return " -r -F";
  return flag.kind.choices === undefined ? " -x" : ` -x -a '${flag.kind.choices.join(" ")}'`;
}
