import { FLAWS } from "../net/certificate.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { DEFAULT_ENDPOINT, ENDPOINT_FORM } from "../net/parse_endpoint.ts";
import { SCHEMES } from "../net/transports.ts";
import type { Fault } from "../server/faults/fault.ts";
import { faults } from "../server/faults/faults.ts";
import { EXIT_STATUSES } from "./exit.ts";
import { table, wrapped } from "./stdio.ts";

export const topics: Readonly<Record<string, () => string>> = {
  faults: faultsHelp,
  endpoints: () => ENDPOINTS_HELP,
  exit: () => `The exit status of yodel:\n${table(EXIT_STATUSES)}\n`,
};

export const ENDPOINTS_HELP = `ENDPOINT is ${ENDPOINT_FORM}:
  tcp://HOST:PORT  TCP; tcp:// can be left out, and HOST for localhost
  tls://HOST:PORT  TLS over TCP
  udp://HOST:PORT  UDP: each message is a datagram
  unix:PATH        a Unix socket: the path of its file

Without an ENDPOINT it is ${formatEndpoint(DEFAULT_ENDPOINT)}. An IPv6 address requires
brackets: [::1]:2222.

For yodel serve, port 0 is any free port, and the host * all addresses of this
machine, as in '*:2222'. It prints where it listens, for clients to connect to.
`;

function faultsHelp(): string {
  const rows = faults.map(faultRow).map(([name, value, what]) =>
    `  ${name.padEnd(11)}  ${value.padEnd(13)}  ${what}`
  );
  const title = "yodel serve --fault NAME[=VALUE][@P|@A..B] ..., in the order in which they act:";
  return [title, ...rows, ...wrapped(FAULT_RULES, 80)].join("\n") + "\n";
}

const withChanceOf = (unit: string) =>
  faults.filter(({ chance }) => chance?.of === unit).map(({ name }) => name).join(", ");

/** What is true of several faults. */
export const FAULT_RULES =
  `@P: probability (0.01, 1%) per connection; per read: ${withChanceOf("reads")}; per 256 ` +
  `bytes: ${withChanceOf("blocks")}; per byte: ${withChanceOf("bytes")}. Default 1; corrupt ` +
  "1e-6; stall the first read. @A..B: connections A to B, from 1 on. Over udp a read is a " +
  "datagram. On streams, lose removes bytes, which no network does: it shows if a program " +
  `notices. FLAW: ${FLAWS.join(", ")}.`;

/** A fault in a table: name, value, what it does. */
export function faultRow(
  { name, value, usual, help, transports }: Fault,
): [string, string, string] {
  const others = SCHEMES.filter((scheme) => !transports.includes(scheme));
  const only = others.length > 1 ? transports.join(", ") : others.map((one) => `not ${one}`).join();
  const { placeholder = "" } = value ?? {};
  return [
    name,
    usual === undefined ? placeholder : `[${placeholder}]`,
    only === "" ? help : `${help} (${only})`,
  ];
}
