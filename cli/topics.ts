import type { Fault } from "../server/faults/fault.ts";
import { faults } from "../server/faults/faults.ts";
import { formatValue, probability } from "../values/value_types.ts";
import { wrapped } from "./stdio.ts";

export const topics: Readonly<Record<string, () => string>> = { faults: faultsHelp };

function faultsHelp(): string {
  const rows = faults.map((fault) => {
    const { written, transports, what } = faultTexts(fault);
    return [`  ${written}  (${transports})`, ...wrapped(what, 74)].join("\n      ");
  });
  return `Example:
  yodel serve --fault delay=20ms..40ms --fault corrupt@1e-6

What yodel serve does badly on purpose: --fault NAME[=VALUE][@P], as often as
wanted. P is a probability, such as 0.01, 1% or 1e-6.

With one --seed the same bytes of a connection are changed, lost or repeated,
however they are read; delay and stall draw for each read. On a stream, later
bytes wait for delayed ones: at most 32 MiB a connection and 64 MiB in all. Over
udp, each datagram waits by itself; what is beyond 4 MiB is dropped.

Faults, in the order in which bytes meet them:
${rows.join("\n")}

Durations are written 250ms or 1.5s, sizes 64, 4k or 1m. Over udp, what is said
of reads and blocks is true of datagrams.
`;
}

export function faultTexts(
  { name, value, chance, help, transports }: Fault,
): { written: string; transports: string; what: string } {
  const { of, usual = 1 } = chance ?? {};
  const unit = of?.slice(0, -1);
  const usually = usual === "once" ? `the first ${unit} only` : formatValue(probability, usual);
  return {
    written: value === undefined ? name : `${name}=${value.placeholder}`,
    transports: transports.join(", "),
    what: of === undefined
      ? help
      : `${help}; P is the probability per ${unit} (default ${usually})`,
  };
}
