import { type Commands, type Flag, isToggle } from "../command.ts";
import { operandsOf, quote, takesFile } from "./words.ts";

/** Completes commands, flags, choices and files, and says what commands and flags are for. */
export function zsh(commands: Commands): string {
  const described = Object.entries(commands).map(([name, { summary }]) =>
    `    ${quote(`${name}:${summary}`)}`
  );
  const cases = Object.entries(commands).map(([name, command]) => {
    const specs = Object.entries(command.flags).flatMap(([name, flag]) => {
      const { help, short } = flag;
      const value = isToggle(flag) ? "" : `: :${valuesOf(flag)}`;
      const long = quote(`--${name}${value === "" ? "" : "="}[${help}]${value}`);
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

function valuesOf(flag: Flag): string {
  if (takesFile(flag)) return "_files";
  const { choices } = flag.kind;
  if (choices === undefined) return "";
  const goOn = choices.filter((choice) => choice.endsWith("="));
  const whole = choices.filter((choice) => !goOn.includes(choice)).join(" ");
  return goOn.length === 0
    ? `(${whole})`
    : `{compadd -S "" - ${goOn.join(" ")}; compadd - ${whole}}`;
}
