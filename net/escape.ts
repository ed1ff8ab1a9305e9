/**
 * Makes text from the network harmless for a terminal or a log (docs/architecture.md,
 * "The byte path", rule 7).
 *
 * @module
 */

// Control characters, the two separators that are not controls (U+2028, U+2029),
// and the marks that change the direction of text.
// deno-lint-ignore no-control-regex
const HARMFUL = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\\]/g;

const SHORT: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/**
 * Writes every character that could move the cursor, change a setting or forge
 * a line as an escape, such as `\x1b`. A backslash is doubled, so that the
 * result has one reading.
 *
 * @param keep characters to leave as they are
 */
export function escapeControls(text: string, keep = ""): string {
  return text.replace(HARMFUL, (character) => {
    if (keep.includes(character)) return character;
    const code = character.charCodeAt(0);
    return SHORT[character] ??
      (code < 256
        ? `\\x${code.toString(16).padStart(2, "0")}`
        : `\\u${code.toString(16).padStart(4, "0")}`);
  });
}
