/** When messages of a load are due. */
import { assertEquals } from "@std/assert";
import { Schedule, type Timing } from "../client/load/schedule.ts";

/** A message every 10 ms from 1000 ms on, and no end, unless the plan says otherwise. */
function schedule(plan: Partial<Timing> = {}): Schedule {
  const every = { start: 1000, countFrom: 1000, end: Infinity, messages: Infinity, interval: 10 };
  return new Schedule({ ...every, ...plan });
}

/** Asks at some times for the next message. */
function take(from: Schedule, ...times: readonly number[]): (number | undefined)[] {
  return times.map((now) => from.take(now));
}

/** Takes all that is due at a time, but no more than `most`; returns how many that were. */
function takeAll(from: Schedule, now: number, most = Infinity): number {
  let taken = 0;
  while (taken < most && from.take(now) !== undefined) taken++;
  return taken;
}

Deno.test("a message that could not be sent when it was due has been due since then", () => {
  const stalled = schedule();
  assertEquals(take(stalled, 1000, 1535, 1535, 1535), [1000, 1010, 1020, 1030]);
  assertEquals(stalled.next, 1040);
  assertEquals([takeAll(stalled, 1535), stalled.next], [50, 1540]);
});

Deno.test("the end can be moved forward, not back", () => {
  const timed = schedule({ end: 1020 });
  timed.stop(1010);
  timed.stop(1015);
  assertEquals([timed.end, ...take(timed, 1000, 1010)], [1010, 1000, undefined]);
});

for (
  const [what, taken, missed, plan = {}, stop = Infinity] of [
    ["the others were due before a signal ended it", 4, 2, {}, 1055],
    ["one more was asked for", 4, 1, { messages: 5 }],
    ["there is no end yet", 4, 0, { end: Infinity }],
    ["there is no rate", 4, 0, { interval: 0 }],
    ["the others do not count, as they belong to the warm-up", 0, 5, { countFrom: 1050 }],
    ["a signal ended the warm-up", 3, 0, { countFrom: 1050 }, 1045],
  ] as readonly [string, number, number, Partial<Timing>?, number?][]
) {
  Deno.test(`${taken} messages taken, ${missed} missed: ${what}`, () => {
    const timed = schedule({ end: 1100, ...plan });
    assertEquals(takeAll(timed, 1099, taken), taken);
    timed.stop(stop);
    assertEquals(timed.missed, missed);
  });
}

Deno.test("a message is either taken or missed, however times are rounded", () => {
  const wrong: string[] = [];
  for (const rate of [3, 7, 30, 300, 700, 3000]) {
    // A real start has six digits after the point, at most.
    for (const start of [1104.639987, 1387.7984, 1962.111496, 43_210.987654]) {
      for (const taken of [0, 1, 2, rate - 1, rate]) {
        const interval = 1000 / rate;
        const timed = schedule({ start, countFrom: start, end: start + 1000, interval });
        takeAll(timed, start + 999.999, taken);
        if (timed.missed !== rate - taken) {
          wrong.push(`${rate}/s from ${start}, ${taken} taken: ${timed.missed}`);
        }
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("messages that are late from the warm-up do not delay those that count", () => {
  const late = schedule({ countFrom: 1050, end: 1100 });
  assertEquals(take(late, 1075, 1075, 1075, 1075), [1050, 1060, 1070, undefined]);
});
