/** What came back against what was sent, without any socket. */
import { assert, assertEquals } from "@std/assert";
import { describeSilence, diagnose } from "../client/verify/diagnosis.ts";
import { Messages } from "../client/verify/messages.ts";
import { Probes } from "../client/verify/probes.ts";

const messages = new Messages(100);

/** Messages 3 to 7 are under way, and a part of message 3 has come. */
const at = { messages, first: 40, sent: 8, answered: 3, partial: 10 };
const atStart = { ...at, partial: 0 };
const allBack = { ...atStart, sent: 3 };

/** What comes of a message from a byte on, and of those after it. */
function from(index: number, offset: number): Uint8Array {
  const rest = Array.from({ length: 8 - index }, (_, i) => messages.at(40 + index + i));
  return new Uint8Array(rest.flatMap((message) => [...message])).subarray(offset);
}

function flipped(bytes: Uint8Array): Uint8Array {
  return bytes.with(0, (bytes[0] ?? 0) ^ 0xff);
}

Deno.test("what comes after the last answer is unexpected, what comes before it is corrupted", () => {
  const more = new Uint8Array([1, 2]);
  const finds = [[atStart, from(2, 0)], [allBack, from(2, 0)], [allBack, more]] as const;
  const kinds = finds.map(([position, bytes]) => diagnose(position, bytes).kind);
  assertEquals(kinds, ["corrupted", "unexpected", "unexpected"]);
});

Deno.test("what is missing of a stream of messages is said with its offset", () => {
  assertEquals([describeSilence(atStart), describeSilence(at)], [
    "no answer came, at offset 300",
    "only 10 of 100 bytes came, at offset 310",
  ]);
});

Deno.test("a corrupted answer belongs to the probe with which it has most bytes in common", () => {
  const probes = new Probes(messages);
  const [one, two, three] = [7, 8, 9].map((number) => probes.send(number, 0));
  assert(one && two && three);
  assertEquals(probes.receive(flipped(probes.bytesOf(two)))?.probe, two);
  // It names another one that waits.
  assertEquals(probes.receive(probes.bytesOf(three).with(0, 7))?.probe, three);
  assertEquals(probes.waiting, [one]);
});

Deno.test("an answer belongs to the probe whose number it carries, or else is corrupted", () => {
  const probes = new Probes(messages);
  const [one, two, three] = [7, 8, 9].map((number) => probes.send(number, 0));
  assert(one && two && three);
  const judge = (bytes: Uint8Array) => {
    const answer = probes.receive(bytes);
    return [answer?.probe.number, answer?.outcome, probes.waitingCount];
  };
  assertEquals(judge(probes.bytesOf(two)), [8, "right", 2]);
  assertEquals(judge(probes.bytesOf(two)), [8, "repeated", 2]);
  probes.giveUp(one);
  assertEquals(judge(probes.bytesOf(one)), [7, "late", 1]);
  assertEquals(judge(probes.bytesOf(one)), [7, "repeated", 1]);
  assertEquals(judge(flipped(probes.bytesOf(three))), [9, "corrupted", 0]);
  assertEquals(judge(flipped(probes.bytesOf(three))), [undefined, undefined, 0]);
});

Deno.test("a corrupted answer that comes twice is not taken for the answer to another probe", () => {
  const probes = new Probes(messages);
  const one = probes.send(7, 0);
  const corrupted = probes.bytesOf(one).map((byte, i) => i < 50 ? byte : ~byte);
  assertEquals(probes.receive(corrupted)?.outcome, "corrupted");
  const two = probes.send(8, 0);
  assertEquals(probes.receive(corrupted), undefined);
  assertEquals(probes.receive(probes.bytesOf(two))?.outcome, "right");
});

Deno.test("of probes that are alike, since their heads hold no more, the one that waits longest is answered first", () => {
  const probes = new Probes(new Messages(1));
  const [one, other] = [1, 257].map((number) => probes.send(number, 0));
  assert(one && other);
  const answer = probes.bytesOf(other);
  assertEquals(answer, probes.bytesOf(one));
  assertEquals(
    [1, 2, 3].map(() => probes.receive(answer)).map((it) => [it?.probe.number, it?.outcome]),
    [[1, "right"], [257, "right"], [257, "repeated"]],
  );
});

Deno.test("probes are remembered for a while after their answer, and as long as they wait", () => {
  const probes = new Probes(messages);
  const [waits, soon] = [1, 2].map((number) => probes.send(number, 0));
  assert(waits && soon);
  for (let number = 3; number < 2000; number++) {
    probes.receive(probes.bytesOf(probes.send(number, 0)));
  }
  probes.giveUp(soon);
  probes.receive(probes.bytesOf(probes.send(2000, 0)));
  assertEquals(probes.waiting, [waits]);
  assertEquals(probes.receive(probes.bytesOf(waits))?.outcome, "right");
  assertEquals(probes.receive(probes.bytesOf(soon)), undefined);
});
