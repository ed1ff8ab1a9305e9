// The answers to `yodel complete`, which completion_scripts.ts calls at each Tab.
import { type Command, type Commands, isToggle, takesEndpoints } from "./command.ts";
import { topics } from "./topics.ts";

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
  if (command.operands !== "command") return wordsOf(command, before, typed);
  return wordsOf({ ...command, operands: [...all, ...Object.keys(topics)] }, before, typed);
}

function wordsOf(command: Command, before: readonly string[], typed: string): string[] {
  const flags = Object.entries(command.flags);
  const flagOf = (word: string) =>
    flags.find(([name, { short }]) => [`--${name}`, short && `-${short}`].includes(word))?.[1];
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
  const operands = typeof command.operands === "string" || before.length > 0
    ? []
    : command.operands;
  // Shells that match words in the middle would replace the beginning of an endpoint by a flag.
  if (typed !== "" && !isFlag) return [...operands];
  const left = flags.filter(([, flag]) => flag.many || !given.includes(flag));
  return [
    ...operands,
    ...left.flatMap(([name, { short, help }]) => [
      `--${name}\t${help}`,
      ...short && typed === "-" ? [`-${short}\t${help}`] : [],
    ]),
    HELP,
  ];
}
