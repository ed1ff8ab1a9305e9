// A benchmark as a picture: what each server reaches of what the first does.
import { measured, type Result, share } from "./figures.ts";

/** Colors on pages that are light, and on those that are dark. */
const STYLE = `<style>
svg { fill: #1f2328 } .line { fill: #d1d9e0 } .yodel { fill: #bc4c00 } .other { fill: #8c959f }
@media (prefers-color-scheme: dark) {
svg { fill: #f0f6fc } .line { fill: #3d444d } .yodel { fill: #f0883e } .other { fill: #768390 }
}
</style>`;

/** Pixels: the titles of the lines, a column and its number, the longest bar, and a line. */
const [TITLES, COLUMN, NUMBER, BAR, LINE] = [180, 110, 34, 64, 24];

/** Draws the first section as SVG: a line for each figure, a column for each server, yodel first. */
export function chart({ sections: [section] }: Pick<Result, "sections">): string {
  if (section === undefined) throw new Error("there is nothing to draw");
  const figures = section.figures.filter(({ isSpeed }) => isSpeed);
  const [first = "", ...rest] = measured(section);
  const programs = rest.toSorted((a, b) => Number(b === "yodel") - Number(a === "yodel"));
  const shares = figures.map((figure) =>
    programs.map((name) => share(section, figure, name)?.median)
  );
  const most = Math.max(1, ...shares.flat().map((value) => value ?? 0));
  const width = (value: number) => (value / most * BAR).toFixed(1);
  const top = 68;
  const bottom = top + figures.length * LINE;
  const parts = [
    text(8, 20, 15, `Speed of echo servers on one core, as a share of ${section.programs[first]}`),
    text(8, 38, 11, "round trips, bytes or connections a second; the line is 1"),
    ...figures.map(({ title }, line) => text(8, top + line * LINE + 16, 12, title)),
  ];
  for (const [column, name] of programs.entries()) {
    const x = TITLES + column * COLUMN;
    parts.push(text(x, top - 8, 12, section.programs[name] ?? name));
    for (const [line, values] of shares.entries()) {
      const y = top + line * LINE;
      const value = values[column];
      const kind = name === "yodel" ? "yodel" : "other";
      parts.push(text(x, y + 16, 11, value?.toFixed(2) ?? "–"));
      parts.push(rect(x + NUMBER, y + 4, width(value ?? 0), 16, kind));
    }
    parts.push(rect(x + NUMBER + Number(width(1)), top, "1", bottom - top, "line"));
  }
  const size = `${TITLES + programs.length * COLUMN} ${bottom + 8}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size}" ` +
    `font-family="system-ui, sans-serif">\n${STYLE}\n${parts.join("\n")}\n</svg>\n`;
}

function text(x: number, y: number, size: number, content: string): string {
  return `<text x="${x}" y="${y}" font-size="${size}">${content}</text>`;
}

function rect(x: number, y: number, width: string, height: number, kind: string): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" class="${kind}"/>`;
}
