/**
 * Compiles the program into an executable: dist/yodel for this machine, or what
 * the arguments say, which go to `deno compile` (`--target`, `--output`).
 *
 * The program is bundled first, so that the executable loads one module and starts sooner.
 * Minified it would be 22 KB smaller, of 85 MB, and its stack traces unreadable.
 *
 * Where the runtime cannot be downloaded, DENORT_BIN can name one, and DENO_FOR_DENORT the Deno
 * of the same version.
 *
 * @module
 */
const deno = Deno.execPath();
const bundle = await Deno.makeTempFile({ suffix: ".js" });
const output = Deno.args.includes("--output") ? [] : ["--output", "dist/yodel"];

const bundled = await new Deno.Command(deno, {
  args: ["task", "--quiet", "bundle", bundle],
}).spawn().status;

const { success, stderr } = bundled.success
  ? await new Deno.Command(Deno.env.get("DENO_FOR_DENORT") ?? deno, {
    args: [
      "compile",
      "--quiet",
      "--no-check",
      "--no-config",
      // The executable has these permissions, and never asks for more.
      "--allow-net",
      "--allow-read",
      "--allow-write",
      "--allow-sys=hostname,networkInterfaces",
      "--no-prompt",
      "--unstable-net",
      "--v8-flags=--max-semi-space-size=2",
      ...output,
      ...Deno.args,
      bundle,
    ],
  }).output()
  : { success: false, stderr: new Uint8Array() };

await Deno.remove(bundle);
if (!success) {
  const text = new TextDecoder().decode(stderr);
  const reason = /^ *1: (.*)$/m.exec(text)?.[1] ?? /^error: (.*)$/m.exec(text)?.[1];
  const runtime = /base binary|denort/.test(text)
    ? "; set DENORT_BIN to the denort of this version of Deno, or run this where it can be downloaded"
    : "";
  if (reason !== undefined) console.error(`cannot compile: ${reason}${runtime}`);
  Deno.exit(1);
}
