/**
 * Completions for shells, made from the tables of commands and flags.
 *
 * @module
 */
import { type Command, isToggle } from "./command.ts";
import { topics } from "./help.ts";

type Commands = Readonly<Record<string, Command>>;

/** The shells that have completions. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** What a shell is to run so that it completes the words of `yodel`. */
export function completions(shell: typeof SHELLS[number], commands: Commands): string {
  return { bash, zsh, fish }[shell](commands);
}

/** What the operands of a command can be, where that is one of a few words. */
function operandsOf({ operands }: Command, commands: Commands): readonly string[] {
  if (operands === "command") return [...Object.keys(commands), ...Object.keys(topics)];
  return typeof operands === "string" ? [] : operands;
}

/** The words that may follow `yodel COMMAND`: its flags, or what its operands can be. */
function wordsOf(command: Command, commands: Commands): string[] {
  return [
    ...operandsOf(command, commands),
    ...Object.keys(command.flags).map((flag) => `--${flag}`),
    "--help",
  ];
}

/** What may follow each flag that takes a value, of all commands: some words, or anything. */
function valuesOfFlags(commands: Commands): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const { flags } of Object.values(commands)) {
    for (const [name, flag] of Object.entries(flags)) {
      if (isToggle(flag)) continue;
      found.set(`--${name}`, flag.kind.choices ?? []);
      if (flag.short !== undefined) found.set(`-${flag.short}`, flag.kind.choices ?? []);
    }
  }
  return found;
}

function bash(commands: Commands): string {
  const firstWords = [...Object.keys(commands), "--help", "--version"];
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
    yodel) words="${firstWords.join(" ")}" ;;
    *) case "\${COMP_WORDS[1]}" in
${flags.join("\n")}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _yodel yodel
`;
}

function zsh(commands: Commands): string {
  const described = Object.entries(commands).map(([name, { summary }]) =>
    `    ${quote(`${name}:${summary}`)}`
  );
  const cases = Object.entries(commands).map(([name, command]) => {
    const specs = Object.entries(command.flags).flatMap(([flag, { kind, help, short }]) => {
      const value = kind.placeholder === ""
        ? ""
        : `: :${kind.choices === undefined ? "" : `(${kind.choices.join(" ")})`}`;
      const long = quote(`--${flag}${value === "" ? "" : "="}[${help}]${value}`);
      if (short === undefined) return [long];
      return [long, quote(`-${short}${value === "" ? "" : "+"}[${help}]${value}`)];
    });
    const operands = operandsOf(command, commands);
    const words = [...specs, quote("--help[show help]")];
    if (operands.length > 0) words.push(quote(`1: :(${operands.join(" ")})`));
    return `    ${name}) _arguments ${words.join(" \\\n      ")} ;;`;
  });
  return `#compdef yodel
# zsh completion for yodel: source <(yodel completions zsh)
_yodel() {
  local -a commands=(
${described.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    _arguments '--help[show help]' '--version[show the version]'
    return
  fi
  shift words
  (( CURRENT-- ))
  case "$words[1]" in
${cases.join("\n")}
  esac
}
if [[ "$funcstack[1]" = _yodel ]]; then
  _yodel "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _yodel yodel
fi
`;
}

function fish(commands: Commands): string {
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
    for (const [flag, { kind, help, short }] of Object.entries(command.flags)) {
      const letter = short === undefined ? "" : ` -s ${short}`;
      const value = kind.placeholder === "" ? "" : " -x";
      const choices = kind.choices === undefined ? "" : ` -a '${kind.choices.join(" ")}'`;
      lines.push(`${here}${letter} -l ${flag}${value}${choices} -d ${quote(help)}`);
    }
  }
  return lines.join("\n") + "\n";
}

/** One word for a shell. The tables have no quotes in their texts. */
function quote(text: string): string {
  return `'${text}'`;
}
