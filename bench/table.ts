// A benchmark as tables in Markdown.
import { type Figure, found, measured, ratio, type Result, type Section } from "./figures.ts";

/** The tables of all sections: shares where that says something, medians with their spread. */
export function tables(result: Result): string {
  return result.sections.map(sectionTables).join("\n");
}

function sectionTables(section: Section): string {
  const [first] = Object.values(section.programs);
  const speeds = section.figures.filter(({ isSpeed }) => isSpeed);
  const costs = section.figures.filter(({ isSpeed }) => !isSpeed);
  const share = (figure: Figure, program: string) => ratio(section, figure, program)?.toFixed(2);
  const median = (figure: Figure, program: string) => cell(section, figure, program);
  return [
    `### ${section.title}`,
    ...speeds.length === 0 ? [] : [
      `As a share of ${first}, more is better:`,
      table(section, speeds, share),
      "<details><summary>Medians, and the least and the most of all rounds</summary>",
      table(section, speeds, median),
      "</details>",
    ],
    "Costs, less is better; medians, and the least and the most of all rounds:",
    `${table(section, costs, median)}\n`,
  ].join("\n\n");
}

/** A line for each figure, a column for each program. */
function table(
  section: Section,
  figures: readonly Figure[],
  cellOf: (figure: Figure, program: string) => string | undefined,
): string {
  const programs = measured(section);
  const lines = [
    ["", ...programs.map((program) => section.programs[program])],
    ["---", ...programs.map(() => "---:")],
    ...figures.map((figure) => [
      `${figure.title}, ${figure.unit}`,
      ...programs.map((program) => cellOf(figure, program) ?? "–"),
    ]),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function cell(section: Section, figure: Figure, program: string): string | undefined {
  const summary = found(section, figure, program);
  if (summary === undefined) return undefined;
  const { median, least, most } = summary;
  return `${short(median)} (${short(least)}–${short(most)})`;
}

/** A number with three digits: `0.47`, `13.2`, `124k`. */
export function short(value: number): string {
  if (value >= 999_500) return `${short(value / 1e6)}M`;
  if (value >= 999.5) return `${short(value / 1000)}k`;
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}
