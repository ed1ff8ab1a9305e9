import type { Commands } from "../command.ts";
import { firstWords, valuesOfFlags, wordsOf } from "./words.ts";

/**
 * Completes commands, flags and choices; bash itself completes files where none of these fits and
 * a file can be meant. An old bash has no compopt, and completes them everywhere.
 */
export function bash(commands: Commands): string {
  const values = [...valuesOfFlags(commands)].map(([flag, values]) =>
    `    ${flag}) ${values === undefined ? "return" : `words="${values.join(" ")}" files=+o`} ;;`
  );
  const flags = Object.entries(commands).map(([name, command]) =>
    `      ${name}) words="${wordsOf(command, commands).join(" ")}" ;;`
  );
  return `# bash completion for yodel: eval "$(yodel completions bash)"
_yodel() {
  local i=$COMP_CWORD word="\${COMP_WORDS[COMP_CWORD]}" before words="" files=-o
  # bash takes a=b for three words, and replaces the last of them.
  while (( i > 1 )) && [[ "\${COMP_WORDS[i]}" = = || "\${COMP_WORDS[i-1]}" = = ]]; do
    (( i-- ))
    word="\${COMP_WORDS[i]}$word"
  done
  before="\${COMP_WORDS[i-1]}"
  if [[ "$word" = --*=* ]]; then
    before="\${word%%=*}"
    word="\${word#*=}"
  fi
  if [ "$COMP_CWORD" = 1 ]; then before=yodel; fi
  case "$before" in
${values.join("\n")}
    yodel) words="${firstWords(commands).join(" ")}" ;;
    *) case "\${COMP_WORDS[1]}" in
${flags.join("\n")}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if [ "$COMPREPLY" = "$word" ] && [[ "$word" = *= ]]; then COMPREPLY=(); fi
  if [[ "$word" = *=* ]]; then COMPREPLY=("\${COMPREPLY[@]#*=}"); fi
  compopt $files default 2>/dev/null
  if [[ "$COMPREPLY" = *= ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o default -F _yodel yodel
`;
}
