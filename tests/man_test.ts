/** The manual page, read by the programs that show one. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { commands } from "../cli/commands.ts";
import { manCommand } from "../cli/commands/man.ts";
import { EXIT_STATUSES } from "../cli/exit.ts";
import { flagRows, usage } from "../cli/help.ts";
import { manPage } from "../cli/man.ts";
import { available, run, yodel } from "./program.ts";

const ignore = !available("mandoc");

/** What a reader sees of a page, without line breaks. */
async function shown(page: string): Promise<string> {
  const { stdout } = await run(["mandoc", "-T", "utf8", "-O", "width=1000"], page);
  return stdout.replace(/.[\b]/g, "").replace(/\s+/g, " ");
}

Deno.test("mandoc finds nothing to mend in the manual page", { ignore }, async () => {
  const page = await yodel(["man"]);
  assertEquals({ code: page.code, stderr: page.stderr }, { code: 0, stderr: "" });
  const linted = await run(["mandoc", "-T", "lint", "-W", "all"], page.stdout);
  assertEquals(linted, { code: 0, stdout: "", stderr: "" });
});

Deno.test(
  "the manual page shows all commands, flags, examples and exit statuses, as they are typed",
  {
    ignore,
  },
  async () => {
    const page = await shown((await yodel(["man"])).stdout);
    for (const [name, command] of Object.entries(commands)) {
      assertStringIncludes(page, usage(name, command));
      assertStringIncludes(page, `${command.example} ${command.summary}.`);
      for (const [flag, help] of flagRows(command).flatMap(([, rows]) => rows)) {
        assertStringIncludes(page, `${flag} ${help}`);
      }
    }
    for (const [status, when] of EXIT_STATUSES) assertStringIncludes(page, `${status} ${when}`);
  },
);

Deno.test("signs that roff would take for its own are shown as they are", { ignore }, async () => {
  const example = "'a' \"b\" `c` \\d ^e ~f --g";
  const sample = { ...manCommand, summary: ".B is no macro", example };
  const page = await shown(manPage({ sample }, "1.2.3", new Date(0)));
  assertStringIncludes(page, `${example} .B is no macro.`);
  assertStringIncludes(page, "yodel 1.2.3 1970-01-01");
});
