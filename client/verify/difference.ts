// How what came back differs from what was sent.

/** What an answer can be to what was sent. `late`: it was thought lost. */
export type Outcome = "right" | "late" | "corrupted" | "repeated";

/** Names the first byte that is not as it was sent, counted from 0. */
export function describeChange(offset: number, sent = 0, returned = 0): string {
  return `differs at byte ${offset}: expected ${hex(sent)}, got ${hex(returned)}`;
}

/** Says from where on a stream brought more than was sent. */
export function describeUnexpected(offset: number): string {
  return `more came back than was sent, from byte ${offset} on`;
}

/** Says in words how an answer differs from what was sent; undefined where it does not. */
export function describeDifference(sent: Uint8Array, returned: Uint8Array): string | undefined {
  for (let i = 0; i < sent.length && i < returned.length; i++) {
    if (sent[i] !== returned[i]) return describeChange(i, sent[i], returned[i]);
  }
  if (sent.length === returned.length) return undefined;
  return `${sent.length} bytes were sent and ${returned.length} came back`;
}

/**
 * What to add to the complaint about the first bytes that came back, where they are those with
 * which a TLS server refuses what is not TLS: an alert that is fatal (RFC 8446, 5.1 and 6).
 */
export function tlsHint(bytes: Uint8Array): string {
  const isAlert = bytes[0] === 0x15 && bytes[1] === 0x03 && bytes[5] === 2;
  return isAlert ? "; it speaks TLS: tls:// instead of tcp://?" : "";
}

/** What has most bytes in common with an answer; undefined where there is nothing to choose from. */
export function mostLike<T>(
  returned: Uint8Array,
  candidates: readonly T[],
  sent: (candidate: T) => Uint8Array,
): T | undefined {
  const inCommon = (candidate: T) => {
    const bytes = sent(candidate);
    return returned.reduce((equal, byte, i) => byte === bytes[i] ? equal + 1 : equal, 0);
  };
  return candidates.toSorted((a, b) => inCommon(b) - inCommon(a))[0];
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
