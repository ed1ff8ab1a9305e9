/** Which probe an answer belongs to, without any socket. */
import { assert, assertEquals } from "@std/assert";
import { Messages } from "../client/verify/messages.ts";
import { Probes } from "../client/verify/probes.ts";

const messages = new Messages(100);

function flipped(bytes: Uint8Array): Uint8Array {
  return bytes.with(0, (bytes[0] ?? 0) ^ 0xff);
}

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

Deno.test("of equal probes, too small for a number, the one that waits longest is answered first", () => {
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

Deno.test("probes are kept as long as they wait, and for a while after their answer", () => {
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
