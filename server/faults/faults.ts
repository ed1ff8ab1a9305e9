// The faults. Whoever needs to know them reads this list.
import { FLAWS } from "../../net/certificate.ts";
import { choice } from "../../values/kinds.ts";
import { corrupt, lose, reorder, repeat } from "./damage.ts";
import { closeAfter, linger, refuse, resetAfter, silent } from "./ends.ts";
import { type Fault, fault } from "./fault.ts";
import { chunk, delay, rate, readRate, stall } from "./pace.ts";

const certificate = fault({
  name: "certificate",
  value: choice(FLAWS),
  chance: undefined,
  transports: ["tls"],
  help: "what is wrong with the one of the server, for all",
  flaw: (flaw) => flaw,
});

/** Every fault, in the order in which bytes meet them. */
export const faults: readonly Fault[] = [
  certificate,
  refuse,
  readRate,
  silent,
  corrupt,
  lose,
  repeat,
  reorder,
  delay,
  stall,
  rate,
  chunk,
  linger,
  closeAfter,
  resetAfter,
];
