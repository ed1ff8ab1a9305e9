import { assertEquals } from "@std/assert";
import { packages, root, run } from "./program.ts";

Deno.test("the examples in the documentation of the library pass the type check", async () => {
  const modules = ["server.ts", "client.ts"].map((file) => root + file);
  const { code, stderr } = await run(
    [Deno.execPath(), "check", "--quiet", "--doc", ...packages, ...modules],
  );
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
});
