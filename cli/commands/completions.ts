import {
  type Command,
  command,
  type Commands,
  findFlag,
  isToggle,
  takesEndpoints,
} from "../command.ts";
import { SUCCESS } from "../exit.ts";
import { TRANSPORTS } from "../../net/transports.ts";
import { choice, readValue } from "../../values/value_types.ts";
import { print } from "../stdio.ts";
import { topics } from "./help.ts";
import { YodelError } from "../../errors/yodel_error.ts";

/**
 * At each Tab they ask the yodel in the command line, or else in the PATH, with
 * `yodel complete WORD ...`, which prints {@linkcode completions}.
 */
export const completionScripts = {
  // bash before 4.0 has no compopt, and completes files everywhere.
  bash: `# bash completion for yodel: eval "$(yodel completions bash)"
_yodel() {
  local word help files=+o typed="\${COMP_LINE:0:COMP_POINT}"
  typed="\${typed##* }"
  COMPREPLY=()
  while IFS=$'\\t' read -r word help; do
    if [ "$word" = FILE ]; then files=-o
    # bash takes a=b for three words, and replaces the last of them.
    elif [[ "$word" = "$typed"* ]]; then COMPREPLY+=("\${word#"\${typed%"$2"}"}"); fi
  done < <(for program in "\${1/#\\~/$HOME}" yodel; do
    hash "$program" && "$program" complete "\${COMP_WORDS[@]:1:COMP_CWORD}" && break
  done 2>/dev/null)
  compopt $files default 2>/dev/null
  if [[ "$typed\${COMPREPLY-}" = *= || "\${COMPREPLY-}" = *[:/] ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o default -F _yodel yodel
`,
  zsh: `#compdef yodel
# zsh completion for yodel: source <(yodel completions zsh)
_yodel() {
  local -a found go_on
  found=(\${(f)"$(for program in $~words[1] yodel; do
    whence $program >&2 && $program complete "\${(@Q)words[2,CURRENT]}" && break
  done 2>/dev/null)"})
  [[ "$found" = FILE ]] && { compset -P 1 '(--*=|unix:)'; _files; return }
  compadd -S '' -- \${\${(M)found:#*:(//|)$'\\t'*}%%$'\\t'*}
  found=(\${found:#*:(//|)$'\\t'*})
  found=("\${(@)found/$'\\t'/:}")
  go_on=(\${(M)found:#*=:*})
  found=(\${found:#*=:*})
  _describe word go_on -S '' -- found || (( compstate[nmatches] ))
}
if [[ "$funcstack[1]" = _yodel ]]; then
  _yodel "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _yodel yodel
fi
`,
  fish: `# fish completion for yodel: yodel completions fish | source
function __yodel
    set -l words (commandline -opc) (commandline -ct)
    for program in (string replace -r '^~' $HOME -- $words[1]) yodel
        type -q $program; or continue
        set -l found ($program complete $words[2..-1] 2>/dev/null); or continue
        if test "$found" = FILE
            complete -C "'' "(commandline -ct)
        else
            # Without this, fish looks for it in what the words are for as well.
            string match -ri '^[^\\t]*'(string escape --style=regex -- $words[-1])'.*' -- $found
        end
        return
    end
end
complete -c yodel -f -a '(__yodel)'
`,
  powershell:
    `# PowerShell completion for yodel: yodel completions powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName yodel -ScriptBlock {
  param($word, $command, $cursor)
  $words = @($command.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.Extent.Text })
  $words += if ($word) { $word } else { '""' }
  & ($command.GetCommandName()) complete @words 2>$null | ForEach-Object {
    $text, $help = $_ -split "\`t"
    if ($text.StartsWith($word, 'Ordinal') -and $text -cne 'FILE') {
      [System.Management.Automation.CompletionResult]::new(
        $text, $text, 'ParameterValue', "$text $help")
    }
  }
}
`,
} as const;

const SHELLS = Object.keys(completionScripts) as (keyof typeof completionScripts)[];

export const completionsCommand = command({
  summary: "Print a shell completion script",
  example: 'eval "$(yodel completions bash)"',
  operands: SHELLS,
  flags: {},
  async run({ word }) {
    const fail = (what: string) => new YodelError(`completions: ${what}`);
    await print(completionScripts[readValue(choice(SHELLS), word, fail)]);
    return SUCCESS;
  },
});

const HELP = "--help\tshow help";

/**
 * The candidates for the last word: words, each with its help behind a tab, or `FILE` for any file.
 * The shells choose those that match: some also match the middle of a word.
 *
 * @param given words as in bash, which splits `a=b` and `a:b` in three, or joined; `""` is an empty
 * one, which Windows PowerShell would drop
 */
export function completions(given: readonly string[], commands: Commands): string[] {
  const joined = given.join("\0").replace(/\0([=:]+)(?:\0|$)/g, "$1").replace(/(^|\0)""$/, "$1");
  const [name = "", ...before] = joined.split("\0");
  const typed = before.pop();
  const all = Object.entries(commands).map(([name, { summary }]) => `${name}\t${summary}`);
  if (typed === undefined) return [...all, HELP, "--version\tshow the version"];
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined || before.includes("--")) return [];
  if (command.operands !== "[COMMAND|TOPIC]") return wordsOf(command, before, typed);
  return wordsOf({ ...command, operands: [...all, ...Object.keys(topics)] }, before, typed);
}

function wordsOf(command: Command, before: readonly string[], typed: string): string[] {
  const flagOf = (word: string) => findFlag(command, word)?.[1];
  const [start = ""] = /^--[^=]+=/.exec(typed) ?? [];
  const asked = flagOf(start.slice(0, -1) || (before.at(-1) ?? ""));
  if (asked?.type.placeholder === "FILE") return ["FILE"];
  if (asked !== undefined && !isToggle(asked)) {
    return (asked.type.choices ?? []).map((choice) => `${start}${choice}\t${asked.help}`);
  }
  const given = before.map((word) => flagOf(word.replace(/^(--[^=]*|-.).*/s, "$1")));
  const isFlag = typed.startsWith("-");
  const takesFiles = !isFlag && given.some((flag) => flag?.takesAll);
  if (takesFiles || takesEndpoints(command) && typed.startsWith("unix:")) return ["FILE"];
  const operands = typeof command.operands !== "string"
    ? before.length > 0 ? [] : command.operands
    : Object.values(TRANSPORTS).map(({ prefix }) => `${prefix}\tendpoint`);
  const words = operands.filter((word) => word.startsWith(typed));
  // Shells that match words in the middle would replace the beginning of an endpoint by a flag.
  if (typed !== "" && !isFlag) return words;
  const left = Object.entries(command.flags)
    .filter(([, flag]) => flag.many || !given.includes(flag));
  return [
    ...words,
    ...left.flatMap(([name, { short, help }]) => [
      `--${name}\t${help}`,
      ...short && typed === "-" ? [`-${short}\t${help}`] : [],
    ]),
    HELP,
  ];
}
