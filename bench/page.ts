// A benchmark in the pages of the project: between two comments, where the last one stands.
import { root } from "../tests/program.ts";
import { chart } from "./chart.ts";
import type { Result } from "./figures.ts";
import { tables } from "./table.ts";

const BEGIN = "<!-- bench -->";
const END = "<!-- /bench -->";

/**
 * Writes the chart, docs/performance.md, and the picture of the README.
 *
 * @throws {Error} where a page has no place for it
 */
export async function writePages(result: Result): Promise<void> {
  for (const theme of ["light", "dark"] as const) {
    await Deno.writeTextFile(`${root}docs/performance-${theme}.svg`, chart(result, theme));
  }
  const pages = [
    ["docs/performance.md", `${origin(result)}\n\n${picture("")}\n\n${tables(result)}`],
    ["README.md", picture("docs/")],
  ] as const;
  for (const [page, text] of pages) {
    const old = await Deno.readTextFile(root + page);
    await Deno.writeTextFile(root + page, replaced(old, text));
  }
  const args = ["fmt", "--quiet", `${root}docs`, `${root}README.md`];
  await new Deno.Command(Deno.execPath(), { args }).output();
}

/**
 * Puts a text between the two comments of a page.
 *
 * @throws {Error} where they are missing
 */
export function replaced(page: string, text: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`a page has no ${BEGIN} with ${END} after it`);
  return `${before}${BEGIN}\n\n${text.trim()}\n\n${END}${after}`;
}

/** Where, when and with what it was measured. */
function origin({ date, machine, versions, rounds, seconds, minutes }: Result): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const when = `Measured on ${date.slice(0, 10)} in ${minutes} minutes, on ${machine}`;
  return `${when}: ${rounds} rounds, ${seconds} s a figure. With ${programs.join(", ")}.`;
}

function picture(folder: string): string {
  const alt = "Bars: what echo servers reach on one core, as a share of a server in C on epoll";
  return `<picture>
  <source media="(prefers-color-scheme: dark)" srcset="${folder}performance-dark.svg">
  <img alt="${alt}" src="${folder}performance-light.svg">
</picture>`;
}
