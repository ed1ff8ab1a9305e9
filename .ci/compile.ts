/**
 * Compiles the program into an executable: dist/yodel for this machine, or what
 * the arguments say, which go to `deno compile` (`--target`, `--output`).
 *
 * The program is bundled first, so that the executable loads one module and not
 * a hundred, and starts sooner.
 * Minified it would be 22 KB smaller, of 85 MB, and its stack traces unreadable.
 *
 * @module
 */
const deno = Deno.execPath();

const packages = await new Deno.Command(deno, {
  args: ["task", "--quiet", "packages", "main.ts"],
  stderr: "inherit",
}).output();

// Only a lock file makes the bundler look for the packages that import() names
// as a sum of texts (client/latencies.ts, metrics/metrics.ts). A copy of it: Deno adds what JSR has told it.
const lock = await Deno.makeTempFile();
await Deno.copyFile(".ci/compile.lock", lock);

const words = new TextDecoder().decode(packages.stdout).split(/\s+/);

const output = Deno.args.includes("--output") ? [] : ["--output", "dist/yodel"];

const { code } = await new Deno.Command(deno, {
  args: [
    "compile",
    "--quiet",
    "--bundle",
    // What deno.json allows to the executable is all it gets: it never asks for more.
    "--permission-set",
    "--no-prompt",
    "--v8-flags=--max-semi-space-size=2",
    ...words.filter((word) => word !== ""),
    `--lock=${lock}`,
    ...output,
    ...Deno.args,
    "main.ts",
  ],
}).spawn().status;

await Deno.remove(lock);
Deno.exit(code);
