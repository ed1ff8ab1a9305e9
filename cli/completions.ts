// Completions for shells, made from the tables of commands and flags.
import type { Commands } from "./command.ts";
import { bash } from "./completions/bash.ts";
import { fish } from "./completions/fish.ts";
import { powershell } from "./completions/powershell.ts";
import { zsh } from "./completions/zsh.ts";

export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

/** What a shell is to run so that it completes the words of `yodel`. */
export function completions(shell: typeof SHELLS[number], commands: Commands): string {
  return { bash, zsh, fish, powershell }[shell](commands);
}
