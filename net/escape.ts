// Escaping text for terminals and logs (docs/development.md, "The byte path", rule 7).

/**
 * Characters that can control a terminal, break a line, change the direction of text, or be
 * invisible. Joiners in emoji are among them: two texts that look the same must not be written alike.
 */
const HARMFUL = /[\p{C}\p{DI}\p{Zl}\p{Zp}\\]/gu;

const SHORT: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/** As in `\x1b`, `\u200b` or `\u{e0041}`; a backslash is doubled, so that this is unambiguous. */
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

export function quoted(text: string): string {
  return `"${escapeControls(text).replaceAll('"', '\\"')}"`;
}
