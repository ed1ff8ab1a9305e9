// Describes how what came back differs from what was sent.
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
  if (answered === sent) {
    return { kind: "unexpected", what: describeUnexpected(offset, bytes) } as const;
  }
  const what = describeChange(offset, messages.at(first + answered)[partial], bytes[0]);
  return { kind: "corrupted", what: offset === 0 ? what + serverHint(bytes) : what } as const;
}

export function describeSilence(at: StreamPosition): string {
  const part = at.partial === 0 ? "no answer" : `only ${at.partial} of ${at.messages.size} bytes`;
  return `${part} came, at offset ${offsetOf(at)}`;
}

/** How many bytes have come back as they were sent. */
export function offsetOf({ messages, answered, partial }: StreamPosition): number {
  return answered * messages.size + partial;
}

export function describeChange(offset: number, sent = 0, returned = 0): string {
  return `differs at byte ${offset}: expected ${hex(sent)}, got ${hex(returned)}`;
}

/** Describes bytes that came back and were not sent. */
export function describeUnexpected(offset: number, bytes: Uint8Array): string {
  const hint = offset === 0 ? serverHint(bytes) : "";
  return `more came back than was sent, from byte ${offset} on${hint}`;
}

/** Returns undefined if there is no difference. */
export function describeDifference(sent: Uint8Array, returned: Uint8Array): string | undefined {
  for (let i = 0; i < sent.length && i < returned.length; i++) {
    if (sent[i] !== returned[i]) return describeChange(i, sent[i], returned[i]);
  }
  if (sent.length === returned.length) return undefined;
  return `${sent.length} bytes were sent and ${returned.length} came back`;
}

/** A hint for an error message about the first bytes of a server, of which the first is wrong. */
export function serverHint(bytes: Uint8Array): string {
  return tlsHint(bytes) || "; is this an echo server?";
}

/** A hint for an error message if these are a fatal TLS alert (RFC 8446, 5.1 and 6). */
export function tlsHint(bytes: Uint8Array): string {
  const isAlert = bytes[0] === 0x15 && bytes[1] === 0x03 && bytes[5] === 2;
  return isAlert ? "; the server expects TLS; did you mean tls://?" : "";
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
