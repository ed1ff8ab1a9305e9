export function describeChange(offset: number, sent = 0, returned = 0): string {
  return `differs at byte ${offset}: expected ${hex(sent)}, got ${hex(returned)}`;
}

export function describeUnexpected(offset: number): string {
  return `more came back than was sent, from byte ${offset} on`;
}

/** Returns undefined if there is no difference. */
export function describeDifference(sent: Uint8Array, returned: Uint8Array): string | undefined {
  for (let i = 0; i < sent.length && i < returned.length; i++) {
    if (sent[i] !== returned[i]) return describeChange(i, sent[i], returned[i]);
  }
  if (sent.length === returned.length) return undefined;
  return `${sent.length} bytes were sent and ${returned.length} came back`;
}

/** A hint for an error message if these are a fatal TLS alert (RFC 8446, 5.1 and 6). */
export function tlsHint(bytes: Uint8Array): string {
  const isAlert = bytes[0] === 0x15 && bytes[1] === 0x03 && bytes[5] === 2;
  return isAlert ? "; it speaks TLS: tls:// instead of tcp://?" : "";
}

/** The candidate that has most bytes in common with an answer; undefined if there is none. */
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
