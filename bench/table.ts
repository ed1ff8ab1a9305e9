// A benchmark as tables in Markdown.
import {
  type Figure,
  found,
  measured,
  type Result,
  type Section,
  share,
  type Summary,
} from "./figures.ts";

/** The tables of all sections: shares where that says something, medians with their spread. */
export function tables({ sections }: Pick<Result, "sections">): string {
  return sections.map(sectionTables).join("");
}

function sectionTables(section: Section): string {
  const [first] = Object.values(section.programs);
  const speeds = section.figures.filter(({ isSpeed }) => isSpeed);
  const costs = section.figures.filter(({ isSpeed }) => !isSpeed);
  return [
    `### ${section.title}`,
    ...speeds.length === 0 ? [] : [
      `As a share of ${first} in the same round, more is better:`,
      table(section, speeds, share),
      "<details><summary>As numbers</summary>",
      table(section, speeds, found),
      "</details>",
    ],
    ...costs.length === 0 ? [] : ["Costs, less is better:", table(section, costs, found)],
    "",
  ].join("\n\n");
}

/** A line for each figure, a column for each program. */
function table(section: Section, figures: readonly Figure[], summaryOf: typeof found): string {
  const programs = measured(section);
  const lines = [
    ["", ...programs.map((program) => section.programs[program])],
    ["---", ...programs.map(() => "---:")],
    ...figures.map((figure) => [
      `${figure.title}, ${figure.unit}`,
      ...programs.map((program) => cell(summaryOf(section, figure, program))),
    ]),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A median, and the least and the most of all rounds, if there are several. */
function cell(summary: Summary | undefined): string {
  if (summary === undefined) return "–";
  const [median, least, most] = [summary.median, summary.least, summary.most].map(short);
  return least === most ? `${median}` : `${median} (${least}–${most})`;
}

/** A number with three digits: `0.47`, `13.2`, `124k`. */
export function short(value: number): string {
  if (value >= 999_500) return `${short(value / 1e6)}M`;
  if (value >= 999.5) return `${short(value / 1000)}k`;
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}
