/** What came back against what was sent, without any socket. */
import { assertEquals } from "@std/assert";
import { describeEnd, describeSilence, diagnose } from "../client/verify/diagnosis.ts";
import { mostLike } from "../client/verify/difference.ts";
import { Messages } from "../client/verify/messages.ts";
import { NumberedDatagrams } from "../client/verify/numbered.ts";
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

for (
  const [what, position, bytes, kind, words] of [
    ["comes twice", atStart, from(2, 0), "repeated", "the 100 bytes from offset 200 on"],
    ["comes twice after the last", allBack, from(2, 0), "repeated", "the 100 bytes from offset"],
    ["was not sent", allBack, new Uint8Array([1, 2]), "surplus", "bytes came that were not sent"],
    ["follows a gap", at, from(3, 60), "lost", "50 bytes did not come back, from offset 310"],
    ["follows a lost rest", at, from(4, 0), "lost", "90 bytes did not come back, from offset 310"],
    ["is other", at, flipped(from(3, 10)), "altered", "the byte at offset 310 was sent as 0x"],
  ] as const
) {
  Deno.test(`what ${what} in a stream of messages is ${kind}`, () => {
    const found = diagnose(position, bytes);
    assertEquals([found.kind, found.what.slice(0, words.length)], [kind, words]);
  });
}

Deno.test("what is missing of a stream of messages is said with its offset", () => {
  assertEquals([describeSilence(atStart), describeSilence(at)], [
    "no answer came, at offset 300",
    "only 10 of 100 bytes came, at offset 310",
  ]);
  assertEquals([atStart, { ...atStart, sent: 4 }, at].map(describeEnd), [
    "the server ended it at offset 300, 5 messages were under way",
    "the server ended it at offset 300, 1 message was under way",
    "the server ended it at offset 310, only 10 of 100 bytes of an answer had come",
  ]);
});

Deno.test("an answer is most like what it has most bytes in common with", () => {
  const texts = ["echo", "each", "else"];
  const sent = (text: string) => new TextEncoder().encode(text);
  assertEquals(mostLike(sent("ecco"), texts, sent), "echo");
  assertEquals(mostLike(sent("ecco"), [], sent), undefined);
});

Deno.test("an answer belongs to the datagram whose number it carries, or else is altered", () => {
  const datagrams = new NumberedDatagrams(messages, 7);
  const [one, two, three] = [datagrams.send(1), datagrams.send(2), datagrams.send(3)];
  const judge = (bytes: Uint8Array) => {
    const answer = datagrams.receive(bytes);
    return [answer?.datagram.number, answer?.outcome, datagrams.waitingCount];
  };
  assertEquals(judge(two.bytes), [8, "right", 2]);
  assertEquals(judge(two.bytes), [8, "repeated", 2]);
  datagrams.giveUp(one);
  assertEquals(judge(one.bytes), [7, "late", 1]);
  assertEquals(judge(flipped(three.bytes)), [9, "altered", 0]);
  assertEquals(judge(new Uint8Array(9)), [undefined, undefined, 0]);
});

Deno.test("an answer belongs to the probe that it equals, one without an answer first", () => {
  const probes = new Probes(messages);
  const judge = (bytes: Uint8Array) => {
    const answer = probes.receive(bytes);
    return [answer?.probe.number, answer?.outcome];
  };
  const lost = probes.send(1, 0);
  probes.send(2, 0);
  probes.send(3, 0);
  lost.state = "lost";
  assertEquals(judge(messages.at(1)), [1, "late"]);
  assertEquals(judge(messages.at(3)), [3, "right"]);
  assertEquals(judge(messages.at(3)), [3, "repeated"]);
  assertEquals(judge(flipped(messages.at(2))), [2, "altered"]);
  assertEquals(judge(flipped(messages.at(2))), [undefined, undefined]);
});
