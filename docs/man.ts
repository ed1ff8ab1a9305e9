/**
 * Prints packaging/yodel.1, the man page, made from the tables of commands and flags.
 *
 * @module
 */
import type { Command, Commands } from "../cli/command.ts";
import { commands } from "../cli/commands.ts";
import { EXIT_STATUSES } from "../cli/exit.ts";
import {
  ENDPOINTS_HELP,
  FAULT_RULES,
  faultRow,
  flagRows,
  PURPOSE,
  usage,
  VALUES_HELP,
} from "../cli/commands/help.ts";
import { wrapped } from "../cli/stdio.ts";
import config from "../deno.json" with { type: "json" };
import { faults } from "../server/faults/list.ts";

/** Makes yodel(1) with the macros of man(7). It has no date, so that it changes with the tables only. */
export function manPage(commands: Commands, version: string): string {
  const all = Object.entries(commands);
  const sections: [title: string, lines: readonly string[]][] = [
    ["NAME", [`yodel \\- ${escaped(PURPOSE)}`]],
    ["SYNOPSIS", [
      ".EX",
      ...[...all.map(([name, command]) => usage(name, command)), "yodel --version"].map(escaped),
      ".EE",
    ]],
    ["DESCRIPTION", [
      ".EX",
      ...ENDPOINTS_HELP.trimEnd().split("\n").map(escaped),
      ".EE",
      ".PP",
      ...VALUES_HELP.split("\n").map(escaped),
    ]],
    ["COMMANDS", all.flatMap(([name, command]) => commandLines(name, command))],
    ["FAULTS", [
      ...faults.map(faultRow).flatMap(([name, value, what]) =>
        item(value === "" ? name : `${name}=${value}`, what)
      ),
      ".PP",
      ...wrapped(escaped(FAULT_RULES), 80),
    ]],
    ["EXIT STATUS", EXIT_STATUSES.flatMap(([status, when]) => item(status, when))],
    ["EXAMPLES", all.flatMap(([, { summary, example }]) => item(example, `${summary}.`))],
  ];
  return [
    `.TH YODEL 1 "" "yodel ${version}"`,
    ...sections.flatMap(([title, lines]) => [`.SH ${title}`, ...lines]),
  ].join("\n") + "\n";
}

function commandLines(name: string, command: Command): string[] {
  return [
    `.SS ${escaped(usage(name, command))}`,
    escaped(`${command.summary}.`),
    ...flagRows(command).flatMap(([heading, rows]) => [
      ".PP",
      escaped(`${heading}:`),
      ...rows.flatMap(([flag, help]) => item(flag, help)),
    ]),
  ];
}

function item(term: string, ...meaning: readonly string[]): string[] {
  const lines = meaning.flatMap((text) => wrapped(escaped(text), 80));
  return [".TP", `.B ${escaped(term)}`, ...lines];
}

/** The characters that roff would take for its own, or print as ones that no shell reads. */
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  '"': "\\(dq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
};

/** A line of text that comes out of roff as it is. */
function escaped(text: string): string {
  return text.replace(/[\\'"`^~-]/g, (sign) => ESCAPES[sign] ?? sign).replace(/^\./, "\\&.");
}

if (import.meta.main) console.log(manPage(commands, config.version).trimEnd());
