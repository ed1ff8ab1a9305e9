import { certificate } from "./certificate.ts";
import { chunk } from "./chunk.ts";
import { closeAfter } from "./close_after.ts";
import { closeAt } from "./close_at.ts";
import { corrupt } from "./corrupt.ts";
import { delay } from "./delay.ts";
import type { Fault } from "./fault.ts";
import { linger } from "./linger.ts";
import { lose } from "./lose.ts";
import { rate } from "./rate.ts";
import { readRate } from "./read_rate.ts";
import { refuse } from "./refuse.ts";
import { reorder } from "./reorder.ts";
import { repeat } from "./repeat.ts";
import { resetAfter } from "./reset_after.ts";
import { resetAt } from "./reset_at.ts";
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
  closeAt,
  resetAt,
];
