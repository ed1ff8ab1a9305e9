// A benchmark as a picture: what each server reaches of what the first does.
import { measured, ratio, type Result } from "./figures.ts";

/** Colors on pages that are light or dark. */
const THEMES = {
  light: { text: "#1f2328", faint: "#d1d9e0", yodel: "#bc4c00", other: "#8c959f" },
  dark: { text: "#f0f6fc", faint: "#3d444d", yodel: "#f0883e", other: "#768390" },
};

export type Theme = keyof typeof THEMES;

/** Pixels: the titles of the lines, a column and its number, the longest bar, and a line. */
const [TITLES, COLUMN, NUMBER, BAR, LINE] = [180, 110, 34, 64, 24];

/** Draws the first section as SVG: a line for each figure, a column for each server, yodel first. */
export function chart({ sections: [section] }: Result, theme: Theme): string {
  if (section === undefined) throw new Error("there is nothing to draw");
  const colors = THEMES[theme];
  const figures = section.figures.filter(({ isSpeed }) => isSpeed);
  const [first = "", ...rest] = measured(section);
  const programs = rest.toSorted((a, b) => Number(b === "yodel") - Number(a === "yodel"));
  const ratios = figures.map((figure) => programs.map((name) => ratio(section, figure, name)));
  const most = Math.max(1, ...ratios.flat().map((value) => value ?? 0));
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
    for (const [line, values] of ratios.entries()) {
      const y = top + line * LINE;
      const value = values[column];
      const color = name === "yodel" ? colors.yodel : colors.other;
      parts.push(text(x, y + 16, 11, value?.toFixed(2) ?? "–"));
      parts.push(rect(x + NUMBER, y + 4, width(value ?? 0), 16, color));
    }
    parts.push(rect(x + NUMBER + Number(width(1)), top, "1", bottom - top, colors.faint));
  }
  const size = `${TITLES + programs.length * COLUMN} ${bottom + 8}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size}" fill="${colors.text}" ` +
    `font-family="system-ui, sans-serif">\n${parts.join("\n")}\n</svg>\n`;
}

function text(x: number, y: number, size: number, content: string): string {
  return `<text x="${x}" y="${y}" font-size="${size}">${content}</text>`;
}

function rect(x: number, y: number, width: string, height: number, fill: string): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${fill}"/>`;
}
