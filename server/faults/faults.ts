import { lose, repeat } from "./blocks.ts";
import { certificate } from "./certificate.ts";
import { chunk } from "./chunk.ts";
import { corrupt } from "./corrupt.ts";
import { delay } from "./delay.ts";
import { closeAfter, resetAfter } from "./end_after.ts";
import type { Fault } from "./fault.ts";
import { linger } from "./linger.ts";
import { rate, readRate } from "./rate.ts";
import { refuse } from "./refuse.ts";
import { reorder } from "./reorder.ts";
import { silent } from "./silent.ts";
import { stall } from "./stall.ts";

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
