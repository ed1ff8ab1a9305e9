/**
 * Prints the arguments with which `deno` finds the project's packages: none
 * where the modules named as arguments need nothing that is not cached, or JSR
 * can be reached; otherwise the import map to their stand-ins from npm.
 *
 * @module
 */
const REACH_WITHIN = 3_000;

const deno = new Deno.Command(Deno.execPath(), {
  args: ["cache", "--cached-only", "--quiet", ...Deno.args],
  stdout: "null",
  stderr: "null",
});

async function reachable(): Promise<boolean> {
  try {
    const meta = new URL("@std/cli/meta.json", Deno.env.get("JSR_URL") ?? "https://jsr.io/");
    const response = await fetch(meta, { signal: AbortSignal.timeout(REACH_WITHIN) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

if (!(await deno.output()).success && !await reachable()) {
  console.error("JSR cannot be reached: using the stand-ins of .ci/npm for its packages");
  console.log("--no-lock --import-map=.ci/npm/imports.json");
}
