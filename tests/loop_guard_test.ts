/** What the guard against loops lets through, with simulated traffic and time. */
import { assert, assertEquals } from "@std/assert";
import { LoopGuard } from "../server/loop_guard.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const ping = bytesOf("ping");

/** Whether an echo service answers a datagram of one source. */
type Side = (bytes: Uint8Array, now: number) => boolean;

function guarded(guard = new LoopGuard([]), port = 40_000): Side {
  return (bytes, now) => guard.check(bytes, "10.0.0.1", port, now) === undefined;
}

/** One without a guard. */
const simple: Side = () => true;

/** Datagrams that differ. */
const contents = (count: number) => Array.from({ length: count }, (_, i) => bytesOf(`forged ${i}`));

/** How long datagrams go between two services, from `start` on, in milliseconds. */
function bounce(
  datagrams: readonly Uint8Array[],
  [one, other]: readonly [Side, Side],
  oneWay: number,
  start = 0,
): number {
  let underWay = [...datagrams];
  let now = start;
  for (let turn = 0; underWay.length > 0 && now < start + 120_000; turn++) {
    const side = turn % 2 === 0 ? one : other;
    const gap = oneWay / underWay.length;
    underWay = underWay.filter((bytes, i) => side(bytes, now + i * gap));
    now += oneWay;
  }
  return now - start;
}

/** When those of `count` datagrams, one every `gap` milliseconds, are sent that get no answer. */
function lostOf(
  side: Side,
  { count, gap, start = 0 }: { count: number; gap: number; start?: number },
  bytesAt: (i: number) => Uint8Array = () => ping,
): number[] {
  const times = Array.from({ length: count }, (_, i) => start + i * gap);
  return times.filter((now, i) => !side(bytesAt(i), now));
}

Deno.test("ports of services, and the server's own, get no answer", () => {
  const guard = new LoopGuard([7000]);
  assertEquals(guard.check(ping, "10.0.0.1", 40_000, 0), undefined);
  assertEquals(guard.check(ping, "10.0.0.1", 7, 0), "low_port");
  assertEquals(guard.check(ping, "10.0.0.1", 7000, 0), "own_port");
});

Deno.test("a loop of equal or different datagrams ends within a second", () => {
  for (const count of [1, 2, 70, 2000, 20_000]) {
    // Very many do not fit into a tenth of a millisecond.
    for (const oneWay of count < 1000 ? [0.05, 1, 20, 100] : [20, 100]) {
      for (const other of [simple, guarded()]) {
        const lasted = bounce(contents(count), [guarded(), other], oneWay);
        assert(lasted < 1000, `${count}, ${oneWay} ms each way: it lasted ${lasted} ms`);
      }
    }
  }
  for (const count of [2, 500]) {
    assert(bounce(Array(count).fill(ping), [guarded(), simple], 1) < 1000, `${count} equal ones`);
  }
});

Deno.test("loops with more sources than there are states end, also those that begin later", () => {
  const guard = new LoopGuard([]);
  const ports = Array.from({ length: 20_000 }, (_, i) => 5000 + i);
  const began = (port: number) => port % 3 * 20_000;
  let open = ports;
  let now = 0;
  for (; open.length > 0 && now < 180_000; now += 250) {
    open = open.filter((port) => now < began(port) || guarded(guard, port)(ping, now));
    if (now === 1000) assertEquals(open.filter((port) => began(port) === 0), []);
  }
  // Where another loop of the same state has ended a moment ago, it takes that minute.
  assert(now <= 102_000, `${open.length} loops after ${now} ms`);
});

Deno.test("a loop that begins again ends within a second of the minute after the first", () => {
  for (const gap of [2000, 59_000, 61_000]) {
    const side = guarded();
    const first = bounce(contents(20), [side, simple], 1);
    const again = bounce(contents(20), [side, simple], 1, first + gap);
    const end = first + gap + again;
    assert(end < Math.max(61_000, first + gap) + 1000, `after ${gap} ms it lasted ${again} ms`);
  }
});

Deno.test("a client that sends the same again and again loses a second of answers a minute", () => {
  for (const gap of [0.01, 1, 10, 200, 499]) {
    const side = guarded();
    for (let minute = 0; minute < 3; minute++) {
      const count = Math.min(60_000 / gap, 200_000);
      const lost = lostOf(side, { count, gap, start: minute * 60_100 });
      const time = (lost.at(-1) ?? NaN) - (lost[0] ?? NaN);
      assert(time < 900, `every ${gap} ms: answers were missing for ${time} ms`);
      assert(lost.length <= 900 / gap + 1, `every ${gap} ms: ${lost.length} were lost`);
    }
  }
});

Deno.test("a client that waits for its answers loses a second of them a minute", () => {
  for (const timeout of [100, 300, 1000, 2000, 5000]) {
    const side = guarded();
    const lost: number[] = [];
    for (let now = 0; now < 59_000;) {
      if (side(ping, now)) now += 0.2;
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

Deno.test("a source that hardly repeats itself gets every answer", () => {
  for (
    const [what, gap, bytesAt] of [
      ["repeats itself slowly", 501, () => ping],
      ["sends each datagram three times", 1, (i) => bytesOf(`${Math.floor(i / 3)}`)],
      ["repeats itself after a while", 0.1, (i) => bytesOf(`${i % 5100}`)],
      ["repeats itself for a moment", 0.1, (i) => bytesOf(`${Math.floor(i / 4900)}`)],
      ["sends empty datagrams slowly", 600, () => new Uint8Array(0)],
      ["counts", 0.1, (i) => bytesOf(`${i}`)],
      ["counts at the beginning of 64 KiB", 1, (i) => numbered(65_507, 0, i)],
      ["counts in the head of 9,000 bytes", 1, (i) => numbered(9000, 1001, i)],
      ["counts at the end of 64 KiB", 1, (i) => numbered(65_507, 65_503, i)],
      ["counts in the middle of 1,472 bytes", 1, (i) => numbered(1472, 701, i)],
    ] as [string, number, (i: number) => Uint8Array][]
  ) assertEquals(lostOf(guarded(), { count: 12_000, gap }, bytesAt), [], what);
});

function numbered(size: number, at: number, number: number): Uint8Array {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(at, number);
  return bytes;
}

Deno.test("the silence of one source is not another's", () => {
  const guard = new LoopGuard([]);
  const [silent] = lostOf(guarded(guard, 40_000), { count: 1000, gap: 1 });
  const now = (silent ?? NaN) + 100;
  assertEquals(guarded(guard, 40_000)(bytesOf("other"), now), false);
  // One of them may share its state.
  const others = [40_001, 40_002, 40_003].filter((port) => guarded(guard, port)(ping, now));
  assert(others.length >= 2, `${others}`);
});
