/**
 * Prints the arguments with which `deno` finds the project's packages: none
 * where the modules named as arguments need nothing that is not cached, or JSR
 * can be reached; otherwise the import map to their stand-ins from npm.
 *
 *     pick.ts [--quiet] MODULE ...     --quiet: does not say so
 *
 * @module
 */
/** How long JSR may take to answer, in milliseconds. */
const REACH_WITHIN = 3_000;

/** Whether deno can load some modules. */
async function loads(args: readonly string[], signal?: AbortSignal): Promise<boolean> {
  const deno = new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", ...args],
    stdout: "null",
    stderr: "null",
    signal,
  });
  return (await deno.output()).success;
}

const isQuiet = Deno.args.includes("--quiet");
const modules = Deno.args.filter((arg) => arg !== "--quiet");
const cached = await loads(["--cached-only", ...modules]);
// One small package tells whether JSR can be reached; deno knows where it is.
const small = ["--no-config", "jsr:@std/cli@1.0.32/parse-args"];
if (!cached && !await loads(small, AbortSignal.timeout(REACH_WITHIN))) {
  if (!isQuiet) {
    console.error("JSR cannot be reached: using the stand-ins of .ci/npm for its packages");
  }
  console.log("--import-map=.ci/npm/imports.json");
}
