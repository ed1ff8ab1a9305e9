/**
 * Prints docs/reference.md, made from the tables of commands and flags.
 *
 * @module
 */
import type { Command, Flag } from "../cli/command.ts";
import { commands } from "../cli/commands.ts";
import { EXIT_STATUSES } from "../cli/exit.ts";
import { faults } from "../server/faults/list.ts";
import {
  defaultText,
  FAULT_RULES,
  faultRow,
  flagGroups,
  flagText,
  transportsText,
  usage,
} from "../cli/commands/help.ts";

/** All commands with their flags, and the exit statuses, in Markdown that is not yet formatted. */
export function reference(): string {
  return [
    "# Reference",
    "`deno task reference` makes this page from the tables of commands and flags in `cli/`; do not edit it by hand.",
    "[usage.md](usage.md) says what an `ENDPOINT` is. Without one, it is `tcp://localhost:2222`. `0` switches a limit off. A flag with `...` can be repeated.",
    ...Object.entries(commands).flatMap(([name, command]) => commandParts(name, command)),
    "## Faults",
    "Faults of `yodel serve --fault NAME[=VALUE][@P]`, in the order in which they act.",
    table(
      ["fault", "value", "what it does"],
      faults.map(faultRow).map(([name, value, what]) => [code(name), value && code(value), what]),
    ),
    FAULT_RULES,
    "## Exit statuses",
    table(["status", "when"], EXIT_STATUSES),
  ].join("\n\n") + "\n";
}

function commandParts(name: string, command: Command): string[] {
  const flags = [...flagGroups(command).values()].flat();
  return [
    `## yodel ${name}`,
    "```\n" + usage(name, command) + "\n```",
    `${command.summary}. For example: \`${command.example}\``,
    ...flags.length === 0
      ? []
      : [table(["flag", "value", "default", "for", "what it does"], flags.map(flagRow))],
  ];
}

function flagRow([name, flag]: [string, Flag]): string[] {
  const value = defaultText(flag);
  return [
    code(flagText(name, flag)),
    flag.type.placeholder === "" ? "" : flag.type.expected,
    value === undefined ? "" : code(value),
    transportsText(flag) ?? "",
    flag.help,
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

/** Text as it is typed. A bar would end the cell of a table. */
function code(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``;
}

if (import.meta.main) console.log(reference().trimEnd());
