// Completions for bash.
import { type Commands, firstWords, valuesOfFlags, wordsOf } from "./words.ts";

/** Completes commands, flags and choices; bash itself completes files where none of these fits. */
export function bash(commands: Commands): string {
  const values = [...valuesOfFlags(commands)].map(([flag, values]) =>
    `    ${flag}) words="${values.join(" ")}" ;;`
  );
  const flags = Object.entries(commands).map(([name, command]) =>
    `      ${name}) words="${wordsOf(command, commands).join(" ")}" ;;`
  );
  return `# bash completion for yodel: eval "$(yodel completions bash)"
_yodel() {
  local words="" word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  # bash takes --flag=value for three words.
  if [ "$before" = = ]; then before="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  if [ "$word" = = ]; then word=""; fi
  if [ "$COMP_CWORD" = 1 ]; then before=yodel; fi
  case "$before" in
${values.join("\n")}
    yodel) words="${firstWords(commands).join(" ")}" ;;
    *) case "\${COMP_WORDS[1]}" in
${flags.join("\n")}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _yodel yodel
`;
}
