import { assertStringIncludes } from "@std/assert";
import { type Command, commandNames, commands } from "../cli/commands.ts";
import { root } from "./program.ts";

/** Text without the differences that formatting makes. */
function plain(markdown: string): string {
  return markdown.replace(/-{3,}/g, "---").replace(/ +/g, " ");
}

for (const name of commandNames.filter((name) => name !== "completions")) {
  Deno.test(`the README has the flags of yodel ${name} as --help has them`, async () => {
    const { flags }: Command = commands[name];
    const rows = Object.entries(flags).map(([flag, { kind, default: otherwise, help, short }]) => {
      const letter = short === undefined ? "" : `\`-${short}\`, `;
      const value = kind.placeholder && ` ${kind.placeholder.replaceAll("|", "\\|")}`;
      return `| ${letter}\`--${flag}${value}\` | ${
        kind.placeholder && otherwise && `\`${otherwise}\``
      } | ${help} |`;
    });
    const table = [`| \`yodel ${name}\` | default | |`, "| --- | --- | --- |", ...rows].join("\n");
    const readme = await Deno.readTextFile(`${root}README.md`);
    assertStringIncludes(plain(readme), plain(table));
  });
}
