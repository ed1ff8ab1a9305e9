// Bytes as `hexdump -C` shows them.

/** How many bytes a line shows. */
const ROW = 16;

/**
 * Shows bytes in lines of 16: where they stand, their hexadecimal digits, and
 * their characters, of which those that are not plain ASCII become dots.
 *
 * Narrower than the original by three characters, so that a line that begins
 * with the number of a connection fits 80 columns up to number 999.
 *
 * @param offset where the first one stands
 */
export function hexDump(bytes: Uint8Array, offset: number): string[] {
  const rows = Math.ceil(bytes.length / ROW);
  return Array.from({ length: rows }, (_, i) => {
    const row = [...bytes.subarray(i * ROW, (i + 1) * ROW)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const halves = `${digits.slice(0, 8).join(" ")}  ${digits.slice(8).join(" ")}`.padEnd(48);
    const characters = row.map((byte) =>
      byte < 0x20 || byte > 0x7e ? "." : String.fromCharCode(byte)
    );
    return `${position(offset + i * ROW)}  ${halves} |${characters.join("")}|`;
  });
}

/** Writes where something stands, as such a line begins. */
export function position(offset: number): string {
  return offset.toString(16).padStart(6, "0");
}
