/**
 * The help, made from the tables of commands and flags.
 *
 * @module
 */
import { DEFAULT_ENDPOINT, ENDPOINT_FORM, formatEndpoint } from "../net/endpoint.ts";
import { type Command, type CommandName, commandNames, commands, type Flag } from "./commands.ts";

const ENDPOINT_HELP = `ENDPOINT is ${ENDPOINT_FORM}.
An IPv6 address stands in brackets: [::1]:2222. Without an endpoint it is
${formatEndpoint(DEFAULT_ENDPOINT)}.`;

/** What `yodel --help` prints. */
export function programHelp(): string {
  return `Example:
  yodel serve                        in one terminal
  echo hello | yodel connect         in another

Echo server and client: do the bytes that I send come back, unchanged?

Usage:
${columns(commandNames.map((name) => [usage(name), commands[name].summary]))}
  yodel COMMAND --help
  yodel --version

${ENDPOINT_HELP}

Exit status: 0 all well; 1 what was sent did not come back, or changed; 2 it
could not be done; 130 or 143 a signal ended it before it could answer.
`;
}

/** What `yodel COMMAND --help` prints. */
export function commandHelp(name: CommandName): string {
  const command: Command = commands[name];
  const groups = Map.groupBy(Object.entries(command.flags), ([, { group }]) => group);
  const flags = [...groups].map(([group, flags]) => `${group}:\n${columns(flags.map(flagRow))}`);
  const notes = [];
  if (command.operands.includes("ENDPOINT")) notes.push(ENDPOINT_HELP);
  if (flags.length > 0) notes.push("Durations are written 250ms, 1.5s or 2m, sizes 64, 4k or 1m.");
  const paragraphs = [
    `Example:\n  ${command.example}`,
    `${command.summary}.`,
    `Usage: ${usage(name)}${flags.length > 0 ? " [FLAGS]" : ""}`,
    ...flags,
    notes.join("\n"),
  ];
  return paragraphs.filter((text) => text !== "").join("\n\n") + "\n";
}

function flagRow(
  [name, { kind, default: otherwise, help, short }]: [string, Flag],
): [string, string] {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  if (kind.placeholder === "") return [names, help];
  return [`${names} ${kind.placeholder}`, otherwise === "" ? help : `${help} (${otherwise})`];
}

function usage(name: CommandName): string {
  return `yodel ${name} ${commands[name].operands}`;
}

/** Sets pairs of texts in two columns, the second on a line of its own where the first is long. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(26, Math.max(...rows.map(([left]) => left.length)));
  return rows.map(([left, right]) =>
    left.length > width
      ? `  ${left}\n  ${"".padEnd(width)}  ${right}`
      : `  ${left.padEnd(width)}  ${right}`
  ).join("\n");
}
