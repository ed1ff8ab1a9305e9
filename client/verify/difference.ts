/**
 * How what came back differs from what was sent.
 *
 * @module
 */

/** Says in words which byte changed, and where. */
export function describeChange(offset: number, was: number, is: number): string {
  return `the byte at offset ${offset} was sent as ${hex(was)} and came back as ${hex(is)}`;
}

/** Says in words how an answer differs from what was sent; undefined where it does not. */
export function describeDifference(sent: Uint8Array, returned: Uint8Array): string | undefined {
  for (let i = 0; i < sent.length && i < returned.length; i++) {
    const was = sent[i] ?? 0;
    const is = returned[i] ?? 0;
    if (was !== is) return describeChange(i, was, is);
  }
  if (sent.length === returned.length) return undefined;
  return `${sent.length} bytes were sent and ${returned.length} came back`;
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
