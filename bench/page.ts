// A benchmark in docs/performance.md: between two comments, where the last one stands.
import { root } from "../tests/program.ts";
import { chart } from "./chart.ts";
import type { Result } from "./figures.ts";
import { tables } from "./table.ts";

const BEGIN = "<!-- bench -->";
const END = "<!-- /bench -->";

const PAGE = `${root}docs/performance.md`;
const CHART = `${root}docs/performance.svg`;

/** Writes the chart and its page. */
export async function writePage(result: Result): Promise<void> {
  await Deno.writeTextFile(CHART, chart(result));
  const text = `${origin(result)}\n\n${PICTURE}\n\n${tables(result)}`;
  await Deno.writeTextFile(PAGE, replaced(await Deno.readTextFile(PAGE), text));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PAGE, CHART] }).output();
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

const PICTURE =
  "![Bars: what servers reach on one core, as a share of one in C on epoll](performance.svg)";
