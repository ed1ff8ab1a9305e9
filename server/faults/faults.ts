import { lose, repeat } from "./blocks.ts";
import { certificate } from "./certificate.ts";
import { chunk } from "./chunk.ts";
import { corrupt } from "./corrupt.ts";
import { delay, linger, stall } from "./delay.ts";
import { closeAfter, resetAfter } from "./end_after.ts";
import type { Fault } from "./fault.ts";
import { rate, readRate } from "./rate.ts";
import { reorder } from "./reorder.ts";
import { refuse, silent } from "./silent.ts";

/** Every fault, in the order of their stages. */
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
