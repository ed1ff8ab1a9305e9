// What can be completed, whatever the shell.
import { type Command, type Commands, type Flag, isToggle } from "../command.ts";
import { topics } from "../topics.ts";
import { file } from "../../values/kinds.ts";

/** What the operands of a command can be, where that is one of a few words. */
export function operandsOf({ operands }: Command, commands: Commands): readonly string[] {
  if (operands === "command") return [...Object.keys(commands), ...Object.keys(topics)];
  return typeof operands === "string" ? [] : operands;
}

/** The words that may follow `yodel`. */
export function firstWords(commands: Commands): string[] {
  return [...Object.keys(commands), "--help", "--version"];
}

/** The words that may follow `yodel COMMAND`: its flags, or what its operands can be. */
export function wordsOf(command: Command, commands: Commands): string[] {
  return [
    ...operandsOf(command, commands),
    ...Object.keys(command.flags).map((flag) => `--${flag}`),
    "--help",
  ];
}

/**
 * What may follow each flag that takes a value, for whichever command: some words, none of them
 * where it can be anything, or undefined for a file.
 */
export function valuesOfFlags(commands: Commands): Map<string, readonly string[] | undefined> {
  const found = new Map<string, readonly string[] | undefined>();
  for (const { flags } of Object.values(commands)) {
    for (const [name, flag] of Object.entries(flags)) {
      if (isToggle(flag)) continue;
      const long = `--${name}`;
      const words = [...new Set([...found.get(long) ?? [], ...flag.kind.choices ?? []])];
      found.set(long, takesFile(flag) ? undefined : words);
      if (flag.short !== undefined) found.set(`-${flag.short}`, words);
    }
  }
  return found;
}

export function takesFile({ kind }: Flag): boolean {
  return kind === file;
}

/** One word for a shell. The tables have no quotes in their texts. */
export function quote(text: string): string {
  return `'${text}'`;
}
