/**
 * Makes the archives of a release in dist/: for each target the executable with
 * its papers, manual page and completions, SHA256SUMS over the archives, install.sh and install.ps1.
 *
 *     release.ts [TARGET ...]     all targets where none is named
 *
 * The installers get the address that RELEASE_URL names; without it, whoever
 * runs one has to say where the archives are.
 *
 * @module
 */
import { completionScripts } from "../cli/completion_scripts.ts";
import config from "../deno.json" with { type: "json" };

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

/** Makes the archive for a target and returns its name. */
async function archive(target: string): Promise<string> {
  const name = `yodel-${config.version}-${target}`;
  const windows = target.includes("windows");
  const folder = `dist/${name}`;
  await Deno.mkdir(`${folder}/completions`, { recursive: true });
  const executable = `${folder}/yodel${windows ? ".exe" : ""}`;
  await run(Deno.execPath(), [
    "task",
    "--quiet",
    "compile",
    ...["--target", target, "--output", executable],
  ]);
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
  return new Uint8Array(digest).toHex();
}

const unknown = Deno.args.find((target) => !TARGETS.includes(target));
if (unknown !== undefined) {
  console.error(`unknown target ${unknown}; expected some of ${TARGETS.join(", ")}`);
  Deno.exit(2);
}

let sums = "";
for (const target of Deno.args.length > 0 ? Deno.args : TARGETS) {
  const file = await archive(target);
  sums += `${await checksum(file)}  ${file}\n`;
}
await Deno.writeTextFile("dist/SHA256SUMS", sums);
const address = Deno.env.get("RELEASE_URL") ?? "";
for (
  const [file, line, known] of [
    ["install.sh", /^RELEASE=$/m, `RELEASE=${address}`],
    ["install.ps1", /^\$Release = ''$/m, `$Release = '${address}'`],
  ] as const
) {
  const installer = await Deno.readTextFile(file);
  if (!line.test(installer)) throw new Error(`${file} has no line ${line.source}`);
  await Deno.writeTextFile(`dist/${file}`, installer.replace(line, () => known));
}
console.log(sums.trimEnd());
