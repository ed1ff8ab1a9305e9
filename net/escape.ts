/**
 * Makes text from the network, or from a command line, harmless for a terminal or
 * a log (docs/architecture.md, "The byte path", rule 7).
 *
 * @module
 */

/**
 * What can control a terminal, break a line, change the direction of text, or be
 * there unseen: all that Unicode counts among "other" or leaves out in display
 * (DI), and its two separators of lines.
 *
 * So an emoji of several parts falls into these, with \u200d between them. To let
 * its joiners pass, one would have to know which sequences there are; and a reader
 * of a log has to see that two texts that look the same are not.
 */
const HARMFUL = /[\p{C}\p{DI}\p{Zl}\p{Zp}\\]/gu;

const SHORT: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/**
 * Writes every character that could move the cursor, change a setting, forge a
 * line or hide as an escape, such as `\x1b`, `\u200b` or `\u{e0041}`. A backslash is
 * doubled, so that the result has one reading.
 */
export function escapeControls(text: string, keep = ""): string {
  return text.replace(HARMFUL, (character) => {
    if (keep.includes(character)) return character;
    const digits = (character.codePointAt(0) ?? 0).toString(16);
    return SHORT[character] ??
      (digits.length <= 2
        ? `\\x${digits.padStart(2, "0")}`
        : digits.length <= 4
        ? `\\u${digits.padStart(4, "0")}`
        : `\\u{${digits}}`);
  });
}

/** A text as it was written, in quotes and escaped. */
export function quoted(text: string): string {
  return `"${escapeControls(text).replaceAll('"', '\\"')}"`;
}
