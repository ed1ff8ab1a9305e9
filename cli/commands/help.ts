// The help, made from the tables of commands and flags.
import { formatEndpoint } from "../../net/endpoint.ts";
import { quoted } from "../../net/escape.ts";
import { DEFAULT_ENDPOINT, ENDPOINT_FORM } from "../../net/parse_endpoint.ts";
import { SCHEMES, STREAMS } from "../../net/transports.ts";
import {
  command,
  type Command,
  type Commands,
  type Flag,
  isToggle,
  operandsText,
  takesEndpoints,
} from "../command.ts";
import { EXIT_STATUSES, SUCCESS } from "../exit.ts";
import { formatValue } from "../../values/value_types.ts";
import { nearest } from "../../values/nearest.ts";
import { print, wrapped } from "../stdio.ts";
import { topics } from "../topics.ts";
import { YodelError } from "../../errors/yodel_error.ts";

export const helpCommand = command({
  summary: "Show the help of yodel, or of a command",
  example: "yodel help load",
  operands: "command",
  flags: {},
  async run({ word }, { commands }) {
    await print(word === "" ? programHelp(commands) : helpOn(word, commands));
    return SUCCESS;
  },
});

function helpOn(word: string, commands: Commands): string {
  const found = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (found !== undefined) return commandHelp(word, found);
  const topic = Object.hasOwn(topics, word) ? topics[word] : undefined;
  if (topic !== undefined) return topic();
  const near = nearest(word, [...Object.keys(commands), ...Object.keys(topics)]);
  const advice = near === undefined ? "see yodel help" : `did you mean ${near}?`;
  throw new YodelError(`unknown command ${quoted(word)}; ${advice}`);
}

export const PURPOSE = "Echo server and client: do the bytes that I send come back, unchanged?";

export const ENDPOINT_HELP = `ENDPOINT is ${ENDPOINT_FORM}.
An IPv6 address stands in brackets: [::1]:2222. Without an endpoint it is
${formatEndpoint(DEFAULT_ENDPOINT)}.`;

export const VALUES_HELP = "Durations are written 250ms, 1.5s, 2m or 1h, sizes 64, 4k or 1m.";

export function programHelp(commands: Commands): string {
  const rows = Object.entries(commands).map(([name, command]) =>
    [usage(name, command), command.summary] as const
  );
  return `Example:
  yodel serve                        in one terminal
  echo hello | yodel connect         in another

${PURPOSE}

Usage:
${columns(rows)}
  yodel COMMAND --help
  yodel --version

${ENDPOINT_HELP}

Exit status:
${columns(EXIT_STATUSES)}
`;
}

export function commandHelp(name: string, command: Command): string {
  const flags = flagRows(command).map(([group, rows]) => `${group}:\n${columns(rows)}`);
  const notes = [
    ...takesEndpoints(command) ? [ENDPOINT_HELP] : [],
    ...flags.length > 0 ? [VALUES_HELP] : [],
  ];
  const paragraphs = [
    `Example:\n  ${command.example}`,
    `${command.summary}.`,
    `Usage: ${usage(name, command)}${flags.length > 0 ? " [FLAGS]" : ""}`,
    ...flags,
    notes.join("\n"),
  ];
  return paragraphs.filter((text) => text !== "").join("\n\n") + "\n";
}

export function flagGroups({ flags }: Command): Map<string, [string, Flag][]> {
  return Map.groupBy(Object.entries(flags), ([, { group }]) => group);
}

/** By groups; the title of a group has the transports that all of its flags are for. */
export function flagRows(command: Command): [string, [string, string][]][] {
  return [...flagGroups(command)].map(([heading, flags]) => {
    const [one, ...more] = new Set(flags.map(([, flag]) => transportsText(flag)));
    if (one === undefined || more.length > 0) return [heading, flags.map(flagRow)];
    const rows = flags.map(([name, flag]) => flagRow([name, { ...flag, only: undefined }]));
    return [`${heading} (${one})`, rows];
  });
}

function flagRow([name, flag]: [string, Flag]): [string, string] {
  const [value, transports] = [defaultText(flag), transportsText(flag)];
  const help = whatItDoes(flag) + (transports === undefined ? "" : `; ${transports}`);
  return [flagText(name, flag), value === undefined ? help : `${help} (${value})`];
}

export function whatItDoes({ help, many }: Flag): string {
  return many ? `${help}; may be repeated` : help;
}

/** As in `-c, --count N`. */
export function flagText(name: string, { type, short }: Flag): string {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return `${names} ${type.placeholder}`.trimEnd();
}

export function defaultText(flag: Flag): string | undefined {
  return isToggle(flag) || flag.default === undefined
    ? undefined
    : formatValue(flag.type, flag.default);
}

/** The transports that a flag is for; undefined for all. */
export function transportsText({ only }: Flag): string | undefined {
  if (only === undefined) return undefined;
  const others = SCHEMES.filter((scheme) => !only.includes(scheme));
  const hasAllStreams = STREAMS.every((scheme) => only.includes(scheme));
  return hasAllStreams ? `not ${others.join(", ")}` : `${only.join(", ")} only`;
}

/** As in `yodel ping [ENDPOINT]`. */
export function usage(name: string, command: Command): string {
  return `yodel ${name} ${operandsText(command)}`.trimEnd();
}

/** Formats pairs as two columns of 80 characters; a long first part has a line of its own. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(26, Math.max(...rows.map(([left]) => left.length)));
  const below = `\n  ${"".padEnd(width)}  `;
  return rows.map(([left, right]) => {
    const lines = wrapped(right, 76 - width).join(below);
    return `  ${left.padEnd(width)}${left.length > width ? below : "  "}${lines}`;
  }).join("\n");
}
