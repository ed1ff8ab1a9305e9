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

/** Describes bytes that came back, of which the first is wrong. */
export function diagnose(at: StreamPosition, bytes: Uint8Array) {
  const { messages, first, answered, sent, partial } = at;
  const offset = offsetOf(at);
  if (answered === sent) return { kind: "unexpected", what: describeUnexpected(offset) } as const;
  const what = describeChange(offset, messages.at(first + answered)[partial], bytes[0]);
  return { kind: "corrupted", what: offset === 0 ? what + tlsHint(bytes) : what } as const;
}

export function describeSilence(at: StreamPosition): string {
  const what = at.partial === 0
    ? "no answer came"
    : `only ${at.partial} of ${at.messages.size} bytes came`;
  return `${what}, at offset ${offsetOf(at)}`;
}

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
