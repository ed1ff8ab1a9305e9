import { assertStringIncludes } from "@std/assert";
import { isToggle } from "../cli/command.ts";
import { commands } from "../cli/commands.ts";
import { root } from "./program.ts";

/** Text without the differences that formatting makes. */
function plain(markdown: string): string {
  return markdown.replace(/-{3,}/g, "---").replace(/ +/g, " ");
}

for (const [name, { flags }] of Object.entries(commands)) {
  if (Object.keys(flags).length === 0) continue;
  Deno.test(`the README has the flags of yodel ${name} as --help has them`, async () => {
    const rows = Object.entries(flags).map(([name, flag]) => {
      const { kind, help, short } = flag;
      const letter = short === undefined ? "" : `\`-${short}\`, `;
      const value = isToggle(flag) ? "" : ` ${kind.placeholder.replaceAll("|", "\\|")}`;
      const otherwise = flag.default === undefined ? "" : `\`${kind.format(flag.default)}\``;
      return `| ${letter}\`--${name}${value}\` | ${otherwise} | ${help} |`;
    });
    const table = [`| \`yodel ${name}\` | default | |`, "| --- | --- | --- |", ...rows].join("\n");
    const readme = await Deno.readTextFile(`${root}README.md`);
    assertStringIncludes(plain(readme), plain(table));
  });
}
