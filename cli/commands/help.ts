// The help, made from the tables of commands and flags.
import { FLAWS } from "../../net/certificate.ts";
import { formatEndpoint } from "../../net/endpoint.ts";
import { quoted } from "../../net/escape.ts";
import { DEFAULT_ENDPOINT, ENDPOINT_FORM } from "../../net/parse_endpoint.ts";
import type { Fault } from "../../server/faults/fault.ts";
import { faults } from "../../server/faults/list.ts";
import { SCHEMES, TRANSPORTS } from "../../net/transports.ts";
import {
  type Command,
  command,
  type Commands,
  type Flag,
  isToggle,
  operandsText,
} from "../command.ts";
import { EXIT_STATUSES, SUCCESS } from "../exit.ts";
import { nearest } from "../../values/nearest.ts";
import { print, table, wrapped } from "../stdio.ts";
import { YodelError } from "../../errors/yodel_error.ts";

export const helpCommand = command({
  summary: "Show the help of yodel, a command or a topic",
  example: "yodel help load",
  operands: "[COMMAND|TOPIC]",
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
  throw new YodelError(`unknown command or topic ${quoted(word)}; ${advice}`);
}

export const PURPOSE = "Echo server and client: do the bytes that I send come back, unchanged?";

export const VALUES_HELP =
  `Durations are written 250ms, 1.5s, 2m or 1h, sizes 64, 4k or 1m. Parentheses
hold the transports that a flag is for, and its default. 0 switches a limit off;
a limit without a default is off.`;

export function programHelp(commands: Commands): string {
  const rows = Object.entries(commands).map(([name, command]) =>
    [usage(name, command), command.summary] as const
  );
  return `Usage: yodel COMMAND [ENDPOINT ...] [FLAGS]

${PURPOSE}

${table(rows)}

Examples:
  yodel serve                        in one terminal
  echo hello | yodel connect         in another

yodel COMMAND -h lists the flags that most people need, --help every flag.
yodel help TOPIC is about one of: ${Object.keys(topics).join(", ")}.
yodel --version prints the version.
`;
}

/** @param isShort leaves out the flags that are not common, and fits a screen of 24 lines */
export function commandHelp(name: string, command: Command, isShort = false): string {
  const flags = flagRows(isShort ? shortened(command) : command)
    .map(([title, rows]) => `${title}:\n${table(rows)}`);
  const hasFlags = flags.length > 0;
  const more = (isShort ? `yodel ${name} --help lists every flag.` : VALUES_HELP) +
    "\nyodel help endpoints lists the forms of ENDPOINT.";
  return [
    `Usage: ${usage(name, command)}${hasFlags ? " [FLAGS]" : ""}`,
    `${command.summary}.`,
    ...flags,
    ...hasFlags && !isShort ? [more] : [],
    `Example:\n  ${command.example}`,
    ...hasFlags && isShort ? [more] : [],
  ].join("\n\n") + "\n";
}

/** With its common flags only, in one group. */
function shortened(command: Command): Command {
  const flags = Object.entries(command.flags)
    .filter(([name]) => command.common?.includes(name))
    .map(([name, flag]) => [name, { ...flag, group: "Flags", only: undefined }]);
  return { ...command, flags: Object.fromEntries(flags) };
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
  const notes = [transportsText(flag), defaultText(flag)].filter((note) => note && note !== "0");
  return [flagText(name, flag), flag.help + (notes.length > 0 ? ` (${notes.join("; ")})` : "")];
}

/** As in `-c, --count N`, or `--allow CIDR ...` if it may be repeated. */
export function flagText(name: string, { type, short, many }: Flag): string {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return `${names} ${type.placeholder}${many ? " ..." : ""}`.trimEnd();
}

export function defaultText(flag: Flag): string | undefined {
  return isToggle(flag) || flag.default === undefined
    ? undefined
    : flag.type.format?.(flag.default) ?? String(flag.default);
}

/** The transports that a flag is for; undefined for all. */
export function transportsText({ only = SCHEMES }: Pick<Flag, "only">): string | undefined {
  const others = SCHEMES.filter((scheme) => !only.includes(scheme));
  if (others.length > 1) return only.join(", ");
  return others.length === 0 ? undefined : `not ${others}`;
}

/** As in `yodel ping [ENDPOINT]`. */
export function usage(name: string, command: Command): string {
  return `yodel ${name} ${operandsText(command)}`.trimEnd();
}

export const topics: Readonly<Record<string, () => string>> = {
  faults: faultsHelp,
  endpoints: () => ENDPOINTS_HELP,
  exit: () => `The exit status of yodel:\n${table(EXIT_STATUSES)}\n`,
};

export const ENDPOINTS_HELP = `ENDPOINT is ${ENDPOINT_FORM}:
${table(Object.values(TRANSPORTS).map(({ help }) => help))}

Without an ENDPOINT it is ${formatEndpoint(DEFAULT_ENDPOINT)}. An IPv6 address requires
brackets: [::1]:2222.

For yodel serve, port 0 is any free port, and the host * all addresses of this
machine, as in '*:2222'. It prints where it listens, for clients to connect to.
`;

function faultsHelp(): string {
  const rows = faults.map(faultRow).map(([name, value, what]) =>
    `  ${name.padEnd(11)}  ${value.padEnd(13)}  ${what}`
  );
  const title = "--fault NAME[=VALUE][@P|@A..B], such as --fault delay=20ms..40ms --fault lose@1%";
  return [title, ...rows, ...wrapped(FAULT_RULES, 80)].join("\n") + "\n";
}

const withChanceOf = (unit: string) =>
  faults.filter(({ chance }) => chance?.of === unit).map(({ name }) => name).join(", ");

/** What is true of several faults. */
export const FAULT_RULES =
  `@P: a probability such as 1%. Default: always; corrupt 1e-6, stall once. It is for each ` +
  `connection, read (${withChanceOf("reads")}), 256 bytes (${withChanceOf("blocks")}) or byte ` +
  `(${withChanceOf("bytes")}); over udp for each datagram. @A..B: only connections A to B, from ` +
  "1 on. SIZE 4k is 4096. A..B: random in between. FLAW: " +
  `${FLAWS.join(", ")}. TCP never loses bytes: lose does.`;

/** A fault in a table: name, value, what it does. */
export function faultRow(
  { name, value, usual, help, transports }: Fault,
): [string, string, string] {
  const only = transportsText({ only: transports });
  const { placeholder = "" } = value ?? {};
  return [
    name,
    usual === undefined ? placeholder : `[${placeholder}]`,
    only === undefined ? help : `${help} (${only})`,
  ];
}
