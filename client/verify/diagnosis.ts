// What is wrong in a stream of messages that comes back.
import { describeChange, tlsHint } from "./difference.ts";
import type { Messages } from "./messages.ts";

/** How many bytes have to be as expected to be no coincidence, and how many are looked at. */
const EVIDENCE = 4;
const MAX_EVIDENCE = 64;

/** How many lost bytes in a row are looked for. */
const MAX_GAP = 4096;

/** How far a stream of messages has come. */
export interface StreamPosition {
  readonly messages: Messages;
  /** The number of the first message. */
  readonly first: number;
  /** How many messages were sent, and how many of them have come back. */
  sent: number;
  answered: number;
  /** How many bytes of the next one have come back. */
  partial: number;
}

/** What is wrong, as a kind and in words. */
export interface Diagnosis {
  readonly kind: "lost" | "altered" | "repeated" | "surplus";
  readonly what: string;
}

/** Says what is wrong with bytes that came back, from the first one on that is not as it was sent. */
export function diagnose(at: StreamPosition, bytes: Uint8Array): Diagnosis {
  const offset = offsetOf(at);
  if (isRepeated(at, bytes)) {
    const { size } = at.messages;
    return {
      kind: "repeated",
      what: `the ${size} bytes from offset ${offset - size} on came back twice`,
    };
  }
  if (at.answered === at.sent) {
    return { kind: "surplus", what: `bytes came that were not sent, from offset ${offset} on` };
  }
  const lost = lostBefore(at, bytes);
  if (lost !== undefined) {
    const amount = lost === 1 ? "1 byte" : `${lost} bytes`;
    return { kind: "lost", what: `${amount} did not come back, from offset ${offset} on` };
  }
  const what = describeChange(offset, byteAhead(at, 0) ?? 0, bytes[0] ?? 0);
  return { kind: "altered", what: offset === 0 ? what + tlsHint(bytes) : what };
}

/** Says what is missing where nothing came for too long. */
export function describeSilence(at: StreamPosition): string {
  const what = at.partial === 0
    ? "no answer came"
    : `only ${at.partial} of ${at.messages.size} bytes came`;
  return `${what}, at offset ${offsetOf(at)}`;
}

/** Says what is missing where the server ended the stream. */
export function describeEnd(at: StreamPosition): string {
  const underWay = at.sent - at.answered;
  const part = at.partial === 0
    ? `${underWay === 1 ? "1 message was" : `${underWay} messages were`} under way`
    : `only ${at.partial} of ${at.messages.size} bytes of an answer had come`;
  return `the server ended it at offset ${offsetOf(at)}, ${part}`;
}

/** How many bytes have come back as they were sent. */
export function offsetOf({ messages, answered, partial }: StreamPosition): number {
  return answered * messages.size + partial;
}

/** Whether the last message has come back once more. */
function isRepeated({ messages, first, answered, partial }: StreamPosition, bytes: Uint8Array) {
  if (answered === 0 || partial > 0) return false;
  const last = messages.at(first + answered - 1);
  if (bytes.length < Math.min(EVIDENCE, last.length)) return false;
  return bytes.subarray(0, last.length).every((byte, i) => byte === last[i]);
}

/** How many bytes are missing before these; undefined where that is not it. */
function lostBefore(at: StreamPosition, bytes: Uint8Array): number | undefined {
  for (let gap = 1; gap <= MAX_GAP; gap++) if (isGap(at, gap, bytes)) return gap;
  const restOfAnswer = at.messages.size - at.partial;
  return isGap(at, restOfAnswer, bytes) ? restOfAnswer : undefined;
}

/** Whether these bytes are what was to come after so many others. */
function isGap(at: StreamPosition, gap: number, bytes: Uint8Array): boolean {
  let evidence = 0;
  for (; evidence < Math.min(bytes.length, MAX_EVIDENCE); evidence++) {
    const expected = byteAhead(at, gap + evidence);
    if (expected === undefined) break;
    if (expected !== bytes[evidence]) return false;
  }
  return evidence >= EVIDENCE;
}

/** The byte that is to come after so many others; undefined beyond what was sent. */
function byteAhead(at: StreamPosition, count: number): number | undefined {
  const { messages, first, answered, sent, partial } = at;
  const index = answered + Math.floor((partial + count) / messages.size);
  const message = index < sent ? messages.at(first + index) : undefined;
  return message?.[(partial + count) % messages.size];
}
