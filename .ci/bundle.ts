/**
 * Bundles the program into one module: dist/yodel.js, or the file that the argument names.
 *
 * @module
 */
const deno = Deno.execPath();
const [output = "dist/yodel.js"] = Deno.args;

const packages = await new Deno.Command(deno, {
  args: ["task", "--quiet", "packages", "main.ts"],
  stderr: "inherit",
}).output();

// The bundler finds a package that import() names by a concatenated text (client/latencies.ts)
// only in a lock file. It gets a copy, since Deno adds entries to it.
const lock = await Deno.makeTempFile();
await Deno.copyFile(".ci/compile.lock", lock);

const { code } = await new Deno.Command(deno, {
  args: [
    "bundle",
    "--quiet",
    ...new TextDecoder().decode(packages.stdout).split(/\s+/).filter((word) => word !== ""),
    `--lock=${lock}`,
    "--output",
    output,
    "main.ts",
  ],
}).spawn().status;

await Deno.remove(lock);
Deno.exit(code);
