/** What the guard against loops lets through: pure, with traffic and time made up. */
import { assert, assertEquals } from "@std/assert";
import { LoopGuard } from "../server/loop_guard.ts";

const encoder = new TextEncoder();

/** A server whose answers depend on a guard, seen from one source. */
interface Side {
  /** Whether it answers a datagram. */
  answers(bytes: Uint8Array, now: number): boolean;
}

function guarded(guard: LoopGuard, port = 40_000): Side {
  return {
    answers: (bytes, now) => guard.objection(bytes, "10.0.0.1", port, now) === undefined,
  };
}

/** An echo service that knows nothing of loops. */
const simple: Side = { answers: () => true };

/** Contents that differ. */
function contents(count: number, size = 64): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const bytes = new Uint8Array(size);
    bytes.set(encoder.encode(`forged ${i}`));
    return bytes;
  });
}

/** What became of datagrams that two services send each other, from `start` on. */
interface Bounces {
  count: number;
  /** How long it lasted; at most a minute. */
  lasted: number;
}

/** Lets `datagrams` go to and fro until they are all gone. */
function bounce(
  datagrams: readonly Uint8Array[],
  [one, other]: readonly [Side, Side],
  oneWay: number,
  start = 0,
): Bounces {
  let count = 0;
  let underWay = [...datagrams];
  let now = start;
  for (let turn = 0; underWay.length > 0 && now < start + 60_000; turn++) {
    const side = turn % 2 === 0 ? one : other;
    // They arrive one after another, not all in the same instant.
    const gap = oneWay / underWay.length;
    underWay = underWay.filter((bytes, i) => side.answers(bytes, now + i * gap));
    count += underWay.length;
    now += oneWay;
  }
  return { count, lasted: now - start };
}

/** How many of `count` datagrams, one every `gap` milliseconds, get no answer; and in what time. */
function send(
  side: Side,
  { count, gap, start = 0 }: { count: number; gap: number; start?: number },
  bytesAt: (i: number) => Uint8Array = () => encoder.encode("ping"),
): { lost: number; first: number; last: number } {
  const lost: number[] = [];
  for (let i = 0; i < count; i++) {
    const now = start + i * gap;
    if (!side.answers(bytesAt(i), now)) lost.push(now);
  }
  return { lost: lost.length, first: lost[0] ?? NaN, last: lost.at(-1) ?? NaN };
}

Deno.test("ports of services, and the server's own, get no answer", () => {
  const guard = new LoopGuard([7000]);
  const bytes = encoder.encode("ping");
  assertEquals(guard.objection(bytes, "10.0.0.1", 40_000, 0), undefined);
  assertEquals(guard.objection(bytes, "10.0.0.1", 7, 0), "low_port");
  assertEquals(guard.objection(bytes, "10.0.0.1", 7000, 0), "own_port");
});

for (const count of [1, 2, 10, 70, 400, 2000, 20_000]) {
  Deno.test(`a loop of ${count} different datagrams ends`, () => {
    for (const oneWay of [0.05, 1, 20, 100]) {
      for (const other of [simple, guarded(new LoopGuard([]))]) {
        const { count: bounces, lasted } = bounce(
          contents(count),
          [guarded(new LoopGuard([])), other],
          oneWay,
        );
        const what = `${oneWay} ms each way: ${bounces} bounces in ${lasted} ms`;
        // Four rounds until they count as repeated, then a hundred more; each is two bounces.
        // Every five seconds that begins anew, with what has been counted kept.
        assert(bounces <= 8 * count + 300, what);
        assert(lasted <= 260 * oneWay, what);
      }
    }
  });
}

Deno.test("a loop of equal datagrams ends", () => {
  const [content = new Uint8Array(0)] = contents(1);
  for (const count of [2, 500]) {
    const sides = [guarded(new LoopGuard([])), simple] as const;
    assert(bounce(Array(count).fill(content), sides, 1).count <= 250 + count);
  }
});

Deno.test("loops with more sources than are remembered end", () => {
  const guard = new LoopGuard([]);
  const [content = new Uint8Array(0)] = contents(1);
  let ports = Array.from({ length: 15_000 }, (_, i) => 40_000 + i);
  let now = 0;
  for (; ports.length > 0 && now < 60_000; now += 10) {
    ports = ports.filter((port) => guarded(guard, port).answers(content, now));
  }
  // Those of two sources that share a place of the memory go on until it is shuffled.
  assert(now <= 30_000, `${ports.length} loops after ${now} ms`);
});

Deno.test("a loop that is begun anew ends each time", () => {
  const guard = new LoopGuard([]);
  for (const gap of [1000, 10_000]) {
    let start = gap;
    for (let i = 0; i < 20; i++) {
      const { lasted } = bounce(contents(1), [guarded(guard), simple], 0.05, start);
      // At once it looks like a client at first, but not for long.
      assert(lasted <= (gap === 1000 ? 10_100 : 12), `${lasted} ms after ${gap} ms`);
      start += lasted + gap;
    }
  }
});

Deno.test("a client that waits for its answers loses one of a thousand equal datagrams", () => {
  for (const timeout of [100, 300, 1000, 2000, 5000]) {
    const side = guarded(new LoopGuard([]));
    const lost: number[] = [];
    let now = 0;
    for (let i = 0; i < 1000; i++) {
      if (side.answers(encoder.encode("ping"), now)) now += 0.2;
      else {
        lost.push(now);
        now += timeout;
      }
    }
    const time = (lost.at(-1) ?? 0) - (lost[0] ?? 0);
    assert(lost.length > 0 && time < 900, `${lost.length} lost in ${time} ms, ${timeout}`);
    if (timeout >= 1000) assertEquals(lost.length, 1);
  }
});

Deno.test("heartbeats lose one second of answers, and another after a minute", () => {
  const side = guarded(new LoopGuard([]));
  const first = send(side, { count: 1000, gap: 10 });
  assertEquals(first.lost, 90);
  assertEquals(first.first, 1030);
  assertEquals(first.last, 1920);
  assertEquals(send(side, { count: 5100, gap: 10, start: 10_000 }).lost, 0);
  const again = send(side, { count: 1000, gap: 10, start: 61_000 });
  assertEquals(again.lost, 90);
  assert(again.first >= 61_920);
});

Deno.test("who sends the same as fast as can be loses one second as well", () => {
  const { lost, first, last } = send(guarded(new LoopGuard([])), { count: 500_000, gap: 0.01 });
  assert(lost <= 90_000 && last - first <= 900, `${lost} lost in ${last - first} ms`);
});

for (
  const [what, gap, bytesAt] of [
    ["repeats itself slowly", 250, () => encoder.encode("ping")],
    ["sends each datagram three times", 1, (i) => encoder.encode(`${Math.floor(i / 3)}`)],
    ["repeats itself after a while", 0.1, (i) => encoder.encode(`${i % 2600}`)],
    ["sends empty datagrams slowly", 300, () => new Uint8Array(0)],
    ["counts", 0.01, (i) => encoder.encode(`${i}`)],
    ["counts at the beginning of 64 KiB", 1, (i) => numbered(65_507, 0, i)],
    ["counts in the head of 9,000 bytes", 1, (i) => numbered(9000, 1001, i)],
    ["counts at the end of 64 KiB", 1, (i) => numbered(65_507, 65_503, i)],
    ["counts in the middle of 1,472 bytes", 1, (i) => numbered(1472, 701, i)],
  ] as [string, number, (i: number) => Uint8Array][]
) {
  Deno.test(`a source that ${what} gets every answer`, () => {
    const { lost } = send(guarded(new LoopGuard([])), { count: 20_000, gap }, bytesAt);
    assertEquals(lost, 0);
  });
}

function numbered(size: number, at: number, number: number): Uint8Array {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(at, number);
  return bytes;
}

Deno.test("one source's test is not another's", () => {
  const guard = new LoopGuard([]);
  send(guarded(guard, 40_000), { count: 104, gap: 1 });
  assertEquals(guarded(guard, 40_000).answers(encoder.encode("other"), 200), false);
  assertEquals(guarded(guard, 40_001).answers(encoder.encode("ping"), 200), true);
});
