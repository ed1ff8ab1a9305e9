/** The man page, read by the programs that show one. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { commands } from "../cli/commands.ts";
import { EXIT_STATUSES } from "../cli/exit.ts";
import { flagRows, helpCommand, usage } from "../cli/commands/help.ts";
import config from "../deno.json" with { type: "json" };
import { manPage } from "../docs/man.ts";
import { available, root, run } from "./program.ts";

const ignore = !available("mandoc");

/** What a reader sees of a page, without line breaks. */
async function shown(page: string): Promise<string> {
  const { stdout } = await run(["mandoc", "-T", "utf8", "-O", "width=1000"], page);
  return stdout.replace(/.[\b]/g, "").replace(/\s+/g, " ");
}

const page = await Deno.readTextFile(`${root}packaging/yodel.1`);

Deno.test("packaging/yodel.1 is what deno task reference makes of the tables", () => {
  assertEquals(page, manPage(commands, config.version));
});

Deno.test("mandoc warns of nothing in the man page but its missing date", { ignore }, async () => {
  const { stdout, stderr } = await run(["mandoc", "-T", "lint", "-W", "all"], page);
  assertMatch(stdout, /^.*missing date, using "": TH\n$/);
  assertEquals(stderr, "");
});

Deno.test("the page shows commands, flags, examples and exit statuses", { ignore }, async () => {
  const text = await shown(page);
  for (const [name, command] of Object.entries(commands)) {
    assertStringIncludes(text, usage(name, command));
    assertStringIncludes(text, `${command.example} ${command.summary}.`);
    for (const [flag, help] of flagRows(command).flatMap(([, rows]) => rows)) {
      assertStringIncludes(text, `${flag} ${help}`);
    }
  }
  for (const [status, when] of EXIT_STATUSES) assertStringIncludes(text, `${status} ${when}`);
});

Deno.test("signs that roff would take for its own are shown as they are", { ignore }, async () => {
  const example = "'a' \"b\" `c` \\d ^e ~f --g";
  const sample = { ...helpCommand, summary: ".B is no macro", example };
  const text = await shown(manPage({ sample }, "1.2.3"));
  assertStringIncludes(text, `${example} .B is no macro.`);
  assertStringIncludes(text, "yodel 1.2.3");
});
