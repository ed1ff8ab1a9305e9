/**
 * Makes a release in dist/: for each target an archive with the executable, its man page,
 * completions and papers; yodel.js, the program in one module; SHA256SUMS over these; install.sh
 * and install.ps1; and notes.md from the changelog.
 *
 *     release.ts [--dry-run] [TARGET ...]     all targets where none is named
 *
 * With --dry-run it is for this machine alone, and is then tried as a user would (try.ts). The
 * installers get the address of RELEASE_URL; without it, they require --from.
 *
 * @module
 */
import { completionScripts } from "../cli/commands/completions.ts";
import config from "../deno.json" with { type: "json" };
import { tryRelease } from "./try.ts";

const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
  "aarch64-pc-windows-msvc",
];

/** The completions, by what each shell expects their file to be called. */
const COMPLETION_FILES = {
  "yodel.bash": completionScripts.bash,
  "_yodel": completionScripts.zsh,
  "yodel.fish": completionScripts.fish,
  "yodel.ps1": completionScripts.powershell,
};

async function run(command: string, args: string[], cwd = "."): Promise<void> {
  const { success } = await new Deno.Command(command, { args, cwd }).spawn().status;
  if (!success) throw new Error(`failed: ${command} ${args.join(" ")}`);
}

async function task(name: string, ...args: string[]): Promise<void> {
  await run(Deno.execPath(), ["task", "--quiet", name, ...args]);
}

/** Makes the archive for a target and returns its name. */
async function archive(target: string): Promise<string> {
  const name = `yodel-${config.version}-${target}`;
  const windows = target.includes("windows");
  const folder = `dist/${name}`;
  await Deno.mkdir(`${folder}/completions`, { recursive: true });
  const executable = `${folder}/yodel${windows ? ".exe" : ""}`;
  await task("compile", "--target", target, "--output", executable);
  for (const file of ["README.md", "LICENSE", "packaging/yodel.1"]) {
    await Deno.copyFile(file, `${folder}/${file.replace(/.*\//, "")}`);
  }
  for (const [name, script] of Object.entries(COMPLETION_FILES)) {
    await Deno.writeTextFile(`${folder}/completions/${name}`, script);
  }
  const file = windows ? `${name}.zip` : `${name}.tar.gz`;
  if (windows) await run("zip", ["-qr", file, name], "dist");
  else await run("tar", ["-czf", file, name], "dist");
  await Deno.remove(folder, { recursive: true });
  return file;
}

async function checksum(file: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`dist/${file}`));
  return `${new Uint8Array(digest).toHex()}  ${file}\n`;
}

/** Copies an installer, with the address of its release. */
async function installer(file: string, line: RegExp, known: string): Promise<void> {
  const text = await Deno.readTextFile(file);
  if (!line.test(text)) throw new Error(`${file} has no line ${line.source}`);
  await Deno.writeTextFile(`dist/${file}`, text.replace(line, () => known));
}

/** What the changelog says of this version. */
async function notes(): Promise<string> {
  const [, rest] = (await Deno.readTextFile("CHANGELOG.md")).split(`\n## [${config.version}]`);
  const text = rest?.split("\n## ")[0]?.replace(/^.*\n/, "").trim();
  if (text) return `${text}\n`;
  throw new Error(`CHANGELOG.md has no section for ${config.version}`);
}

const isDryRun = Deno.args.includes("--dry-run");
const named = Deno.args.filter((target) => target !== "--dry-run");
const unknown = named.find((target) => !TARGETS.includes(target));
if (unknown !== undefined) {
  console.error(`unknown target ${unknown}; use some of ${TARGETS.join(", ")}`);
  Deno.exit(2);
}

await Deno.mkdir("dist", { recursive: true });
await Deno.writeTextFile("dist/notes.md", await notes());
await task("bundle", "dist/yodel.js");
let sums = await checksum("yodel.js");
const all = named.length > 0 ? named : TARGETS;
for (const target of isDryRun ? [Deno.build.target] : all) {
  sums += await checksum(await archive(target));
}
await Deno.writeTextFile("dist/SHA256SUMS", sums);
const address = Deno.env.get("RELEASE_URL") ?? "";
await installer("install.sh", /^RELEASE=$/m, `RELEASE=${address}`);
await installer("install.ps1", /^\$Release = ''$/m, `$Release = '${address}'`);
console.log(sums.trimEnd());
if (isDryRun) await tryRelease("dist");
