// What is wrong in a stream of messages that comes back.
import { describeChange, describeUnexpected, tlsHint } from "./difference.ts";
import type { Messages } from "./messages.ts";

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
  readonly kind: "corrupted" | "unexpected";
  readonly what: string;
}

/** Diagnoses bytes that came back, of which the first is not as it was sent. */
export function diagnose(at: StreamPosition, bytes: Uint8Array): Diagnosis {
  const { messages, first, answered, sent, partial } = at;
  const offset = offsetOf(at);
  if (answered === sent) return { kind: "unexpected", what: describeUnexpected(offset) };
  const what = describeChange(offset, messages.at(first + answered)[partial], bytes[0]);
  return { kind: "corrupted", what: offset === 0 ? what + tlsHint(bytes) : what };
}

/** Describes what is missing when nothing came for too long. */
export function describeSilence(at: StreamPosition): string {
  const what = at.partial === 0
    ? "no answer came"
    : `only ${at.partial} of ${at.messages.size} bytes came`;
  return `${what}, at offset ${offsetOf(at)}`;
}

/** Describes what is missing when the server ended the stream. */
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
