import { assertEquals } from "@std/assert";
import { reference } from "../docs/reference.ts";
import { root, run } from "./program.ts";

Deno.test("docs/reference.md is what deno task reference makes of the tables", async () => {
  const formatted = await run([Deno.execPath(), "fmt", "--ext", "md", "-"], reference());
  assertEquals(await Deno.readTextFile(`${root}docs/reference.md`), formatted.stdout);
});
