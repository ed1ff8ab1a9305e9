// A benchmark as a picture: what each server reaches of what the first does.
import * as vega from "npm:vega@6.4.0";
import { compile, type TopLevelSpec } from "npm:vega-lite@6.5.0";
import { measured, ratio, type Result } from "./figures.ts";

/** Colours on pages that are light or dark. */
const THEMES = {
  light: { text: "#1f2328", faint: "#d1d9e0", yodel: "#bc4c00", other: "#8c959f" },
  dark: { text: "#f0f6fc", faint: "#3d444d", yodel: "#f0883e", other: "#768390" },
};

export type Theme = keyof typeof THEMES;

/** How the files are called. */
export function chartFile(theme: Theme): string {
  return `performance-${theme}.svg`;
}

/** Writes the chart of the first section into a folder, for pages that are light and dark. */
export async function draw(result: Result, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const theme of ["light", "dark"] as const) {
    const view = new vega.View(vega.parse(compile(chart(result, theme)).spec), {
      renderer: "none",
    });
    await Deno.writeTextFile(`${folder}/${chartFile(theme)}`, `${await view.toSVG()}\n`);
  }
}

/** The chart: a line for each figure, a column for each server, yodel first. */
export function chart(result: Result, theme: Theme): TopLevelSpec {
  const { text, faint, yodel, other } = THEMES[theme];
  const [section] = result.sections;
  if (section === undefined) throw new Error("there is nothing to draw");
  const figures = section.figures.filter(({ isSpeed }) => isSpeed);
  const [first = "", ...rest] = measured(section);
  const programs = rest.toSorted((a, b) => Number(b === "yodel") - Number(a === "yodel"));
  const titles = programs.map((program) => section.programs[program] ?? program);
  const values = figures.flatMap((figure) =>
    programs.map((program) => {
      const value = ratio(section, figure, program);
      return {
        figure: `${figure.title}`,
        server: section.programs[program],
        ratio: value ?? 0,
        label: value?.toFixed(2) ?? "–",
        isYodel: program === "yodel",
      };
    })
  );
  const most = Math.max(1, ...values.map(({ ratio }) => ratio));
  // The numbers stand before their bars.
  const x = { type: "quantitative" as const, scale: { domain: [-0.5 * most, most] }, axis: null };
  const y = {
    field: "figure",
    type: "nominal" as const,
    sort: figures.map(({ title }) => title),
    axis: {
      title: null,
      labelColor: text,
      labelFontSize: 12,
      labelLimit: 0,
      ticks: false,
      domain: false,
      labelPadding: 8,
    },
  };
  return {
    title: {
      text: `Speed of echo servers on one core, as a share of ${section.programs[first]}`,
      subtitle: "round trips, bytes or connections a second; the line is 1",
      color: text,
      subtitleColor: text,
      anchor: "start",
      fontSize: 15,
      offset: 12,
    },
    background: "transparent",
    data: { values },
    facet: {
      column: {
        field: "server",
        type: "nominal",
        sort: titles,
        header: {
          title: null,
          labelExpr: "split(datum.label, ' ')",
          labelColor: text,
          labelFontSize: 12,
          labelFontWeight: "bold",
          labelAnchor: "start",
          labelPadding: 6,
        },
      },
    },
    spacing: 14,
    bounds: "flush",
    spec: {
      width: 84,
      height: { step: 24 },
      layer: [
        {
          mark: { type: "bar", height: 16 },
          encoding: {
            y,
            x: { field: "ratio", ...x },
            color: { condition: { test: "datum.isYodel", value: yodel }, value: other },
          },
        },
        {
          mark: { type: "rule", color: faint, strokeWidth: 1 },
          encoding: { x: { datum: 1, ...x } },
        },
        {
          mark: { type: "text", align: "left", fontSize: 11, color: text },
          encoding: { y, x: { value: 0 }, text: { field: "label" } },
        },
      ],
    },
    config: { aria: false, font: "system-ui, sans-serif", view: { stroke: null } },
  };
}
