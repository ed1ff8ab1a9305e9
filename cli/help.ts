/**
 * The help, made from the tables of commands and flags.
 *
 * @module
 */
import { DEFAULT_ENDPOINT, ENDPOINT_FORM, formatEndpoint } from "../net/endpoint.ts";
import type { Fault } from "../server/faults/fault.ts";
import { faults } from "../server/faults/faults.ts";
import { probability } from "../values/kinds.ts";
import { type Command, type Flag, isToggle, operandsText, takesEndpoints } from "./command.ts";

const ENDPOINT_HELP = `ENDPOINT is ${ENDPOINT_FORM}.
An IPv6 address stands in brackets: [::1]:2222. Without an endpoint it is
${formatEndpoint(DEFAULT_ENDPOINT)}.`;

/** What `yodel --help` prints. */
export function programHelp(commands: Readonly<Record<string, Command>>): string {
  return `Example:
  yodel serve                        in one terminal
  echo hello | yodel connect         in another

Echo server and client: do the bytes that I send come back, unchanged?

Usage:
${
    columns(
      Object.entries(commands).map(([name, command]) => [usage(name, command), command.summary]),
    )
  }
  yodel COMMAND --help
  yodel --version

${ENDPOINT_HELP}

Exit status: 0 all well; 1 what was sent did not come back, or changed; 2 it
could not be done; 129, 130 or 143 a signal ended it before it could answer.
`;
}

/** What `yodel NAME --help` prints of a command. */
export function commandHelp(name: string, command: Command): string {
  const groups = Map.groupBy(Object.entries(command.flags), ([, { group }]) => group);
  const flags = [...groups].map(([group, flags]) => groupHelp(group, flags));
  const notes = [];
  if (takesEndpoints(command)) notes.push(ENDPOINT_HELP);
  if (flags.length > 0) {
    notes.push("Durations are written 250ms, 1.5s, 2m or 1h, sizes 64, 4k or 1m.");
  }
  const paragraphs = [
    `Example:\n  ${command.example}`,
    `${command.summary}.`,
    `Usage: ${usage(name, command)}${flags.length > 0 ? " [FLAGS]" : ""}`,
    ...flags,
    notes.join("\n"),
  ];
  return paragraphs.filter((text) => text !== "").join("\n\n") + "\n";
}

/** What `yodel help` tells about, besides commands. */
export const topics: Readonly<Record<string, () => string>> = { faults: faultsHelp };

/** What a server can be told to do badly. */
function faultsHelp(): string {
  return `Example:
  yodel serve --fault delay=20ms..40ms --fault corrupt@1e-6

What yodel serve does badly on purpose: --fault NAME[=VALUE][@P], as often as
wanted. P is a share, such as 0.01, 1% or 1e-6. With --fault-share only that
share of the connections (of udp: of the sources) gets faults, and the same
--seed makes the same faults again.

Faults, in the order in which bytes meet them:
${faults.map(faultRow).join("\n")}

Durations are written 250ms or 1.5s, sizes 64, 4k or 1m. Over udp, what is said
of reads is true of datagrams.
`;
}

function faultRow({ name, value, chance, help, transports }: Fault): string {
  const { of, usual = 1 } = chance ?? {};
  const otherwise = { 1: "", once: ", otherwise once" }[usual] ??
    ` (${probability.format(+usual)})`;
  const share = of === undefined ? "" : `; P: of the ${of}${otherwise}`;
  const written = name + (value === undefined ? "" : `=${value.placeholder}`);
  return `  ${written}  (${transports.join(", ")})\n      ${help}${share}`;
}

/** Flags under their heading, which says what transport they are for where that is one for all. */
function groupHelp(heading: string, flags: readonly [string, Flag][]): string {
  const transports = flags.map(([, flag]) => transportsText(flag));
  const one = new Set(transports).size === 1 ? transports[0] : undefined;
  const rows = flags.map(([name, flag], i) =>
    flagRow(name, flag, one === undefined ? transports[i] : undefined)
  );
  return `${heading}${one === undefined ? "" : ` (${one})`}:\n${columns(rows)}`;
}

function flagRow(name: string, flag: Flag, transports: string | undefined): [string, string] {
  const { kind, short } = flag;
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  const help = transports === undefined ? flag.help : `${flag.help}; ${transports}`;
  if (isToggle(flag)) return [names, help];
  const value = flag.default === undefined ? "" : ` (${kind.format(flag.default)})`;
  return [`${names} ${kind.placeholder}`, help + value];
}

/** Which transports a flag is for, in a word or two; undefined where it is for all. */
function transportsText({ only }: Flag): string | undefined {
  if (only === undefined) return undefined;
  return only.includes("udp") || only.length === 1 ? `${only.join(", ")} only` : "not udp";
}

function usage(name: string, command: Command): string {
  return `yodel ${name} ${operandsText(command)}`;
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
