/**
 * Tries a release as a user of this system would: installs it into an empty home, runs it, and
 * removes it.
 *
 *     try.ts [FOLDER]     dist, if none is named
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };

const windows = Deno.build.os === "windows";

/** Runs a command to its end; returns its output, also from stderr where it fails. */
async function run([command = "", ...args]: string[], env = {}, stdin?: Uint8Array) {
  console.log(`$ ${command} ${args.join(" ")}`);
  const process = new Deno.Command(command, { args, env, stdin: "piped", stdout: "piped" }).spawn();
  const writer = process.stdin.getWriter();
  await Promise.allSettled([stdin && writer.write(stdin), writer.close()]);
  const { success, stdout } = await process.output();
  if (!success) throw new Error(`failed: ${command} ${args.join(" ")}`);
  return stdout;
}

function assert(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** @throws {Error} for the first step that fails */
export async function tryRelease(folder: string): Promise<void> {
  const home = await Deno.makeTempDir();
  const release = await Deno.realPath(folder);
  const bin = `${home}/.local/bin`;
  if (windows) {
    const flags = ["-NoProfile", "-ExecutionPolicy", "Bypass", "-File", `${release}/install.ps1`];
    await run(["powershell", ...flags, "-From", release, "-Dir", bin]);
  } else {
    await run(["sh", `${release}/install.sh`, "--from", `file://${release}`], { HOME: home });
  }
  const yodel = `${bin}/yodel${windows ? ".exe" : ""}`;
  const version = new TextDecoder().decode(await run([yodel, "--version"])).trim();
  assert(version === `yodel ${config.version}`, `it says ${version}`);

  const serve = ["serve", "127.0.0.1:0", "--log-level", "error"];
  const server = new Deno.Command(yodel, { args: serve, stdout: "piped" }).spawn();
  try {
    const { value } = await server.stdout.getReader().read();
    const endpoint = new TextDecoder().decode(value).trim();
    const sent = new Uint8Array(10_000_000).map((_, i) => i * 31 + (i >> 8));
    const back = await run([yodel, "connect", endpoint, "--verify"], {}, sent);
    assert(sent.every((byte, i) => byte === back[i]), "the echo differs");
    await run([yodel, "ping", endpoint, "-c", "3", "-i", "10ms"]);
    await run([yodel, "load", endpoint, "-d", "1s"]);
    const deno = [Deno.execPath(), "run", "--quiet", "--no-config", "--allow-net"];
    await run([...deno, `${release}/yodel.js`, "ping", endpoint, "-c", "1"]);
  } finally {
    server.kill("SIGTERM");
    await server.status;
  }

  // What docs/install.md says to remove.
  const page = `${home}/.local/share/man/man1/yodel.1`;
  if (!windows) {
    await run(["man", "-l", page]).catch((error) => {
      // Not every machine has man.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    await Deno.remove(page);
  }
  await Deno.remove(yodel);
  for await (const left of Deno.readDir(bin)) throw new Error(`${left.name} is left behind`);
  await Deno.remove(home, { recursive: true });
  console.log(`yodel ${config.version} was installed, run and removed`);
}

if (import.meta.main) await tryRelease(Deno.args[0] ?? "dist");
