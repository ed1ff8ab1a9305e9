/** The compiled program, used for real. */
import { assert, assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { dialPort, exchange, random } from "./local.ts";
import { available, noteSkip, root, run, startServer } from "./program.ts";

const folder = await Deno.makeTempDir();
const executable = `${folder}/yodel${Deno.build.os === "windows" ? ".exe" : ""}`;
/** What the task made, where it cannot run. */
const madeByTask = `${folder}/made-by-task`;
const compiled = await compile();

/**
 * Compiles with the runtime of this Deno, which it may have to download. Where
 * that fails, DENO_FOR_DENORT can name an older Deno and DENORT_BIN the runtime
 * that belongs to it.
 *
 * @returns what was compiled with, or why nothing was compiled
 */
async function compile(): Promise<{ with: string } | { failed: string }> {
  const task = [Deno.execPath(), "task", "--quiet", "--cwd", root, "compile"];
  const now = await run([...task, "--output", executable], "", 120_000);
  if (now.code === 0 && (await run([executable, "--version"])).code === 0) {
    return { with: Deno.version.deno };
  }
  const notDownloaded = /^cannot compile: .*denort.*$/m.exec(now.stderr)?.[0];
  const older = Deno.env.get("DENO_FOR_DENORT");
  if (older === undefined && notDownloaded === undefined) throw new Error(now.stderr);
  if (older === undefined) return { failed: notDownloaded ?? "" };
  // What the task made may not run with the older runtime, but can be looked at.
  await Deno.rename(executable, madeByTask).catch(() => {});
  const flags = [
    "--quiet",
    "--no-check",
    "--no-config",
    "--unstable-net",
    "--allow-net",
    "--allow-read",
    "--allow-write",
    "--allow-sys=hostname,networkInterfaces",
    "--no-prompt",
    "--output",
    executable,
  ];
  const bundle = `${folder}/yodel.js`;
  await run([...task.with(-1, "bundle"), bundle], "", 120_000);
  const then = await run([older, "compile", ...flags, bundle]);
  if (then.code !== 0) return { failed: then.stderr };
  const { stdout } = await run([older, "--version"]);
  return { with: stdout.split(/\s/)[1] ?? "" };
}

Deno.test("without the runtime, deno task compile says in one line what to do", {
  ignore: Deno.build.os === "windows", // It asks for env.
}, async () => {
  const task = [Deno.execPath(), "task", "--quiet", "--cwd", root, "compile"];
  const output = ["--output", `${folder}/none`];
  const { code, stderr } = await run(["env", "DENORT_BIN=/nowhere", ...task, ...output]);
  assertEquals(code, 1);
  const lines = stderr.trimEnd().split("\n").filter((line) => !line.startsWith("JSR cannot"));
  assertEquals(lines.map((line) => line.replace(/: .*;/, ": …;")), [
    "cannot compile: …; set DENORT_BIN to the denort of this version of Deno, " +
    "or run this where it can be downloaded",
  ]);
});

const ignore = "failed" in compiled;
if (ignore) noteSkip("no runtime to compile with");
const note = "failed" in compiled ? `skipped: ${compiled.failed}` : `with Deno ${compiled.with}`;

Deno.test(`the compiled program knows its version (${note})`, { ignore }, async () => {
  assertEquals(await run([executable, "--version"]), {
    code: 0,
    stdout: `yodel ${config.version}\n`,
    stderr: "",
  });
});

Deno.test(`the compiled program may do what deno.json says, and never asks (${note})`, {
  ignore: ignore || !available("grep"),
}, async () => {
  const made = await Deno.stat(madeByTask).then(() => madeByTask, () => executable);
  const { stdout } = await run(["grep", "-a", "-o", '"permissions":{[^}]*}', made]);
  const { permissions } = JSON.parse(`{${stdout.trim().split("\n").at(-1)}}`);
  const allowed = Object.keys(permissions).filter((key) =>
    key.startsWith("allow_") && key !== "allow_import" && permissions[key] !== null
  );
  const meant = Object.keys(config.compile.permissions).map((name) => `allow_${name}`);
  assertEquals(allowed.toSorted(), meant.toSorted());
  assertEquals(permissions.prompt, false);
});

Deno.test(`the compiled program refuses a wrong flag (${note})`, { ignore }, async () => {
  assertEquals(await run([executable, "serve", "--drian"]), {
    code: 2,
    stdout: "",
    stderr: 'yodel: unknown flag "--drian"; did you mean --drain?\n',
  });
});

Deno.test(`the compiled program serves a verified pipeline (${note})`, {
  ignore: ignore || !available("bash"),
}, async () => {
  await using server = await startServer(["127.0.0.1:0"], [executable, "serve"]);
  const result = await run([
    "bash",
    "-c",
    `set -o pipefail
    head -c 50000000 /dev/urandom >${folder}/sent
    ${executable} connect --verify ${server.port} <${folder}/sent | cmp - ${folder}/sent`,
  ]);
  assertEquals(result, { code: 0, stdout: "", stderr: "" });
});

Deno.test(`the compiled program measures, on several threads and with metrics too (${note})`, {
  ignore,
}, async () => {
  await using server = await startServer(["127.0.0.1:0"], [executable, "serve"]);
  const endpoint = String(server.port);
  const ping = await run([executable, "ping", endpoint, "-qc", "3", "-i", "10ms", "--json"]);
  assertEquals([ping.code, JSON.parse(ping.stdout).received], [0, 3]);
  const load = await run([executable, "load", endpoint, "-n", "1000", "--workers", "2", "--json"]);
  assertEquals([load.code, JSON.parse(load.stdout).messages.right], [0, 1000]);
  const metrics = await run([executable, "ping", endpoint, "-qc", "1", "--metrics", "0"]);
  assertEquals(metrics.code, 0, metrics.stderr);
});

Deno.test(`the compiled program drains on a signal (${note})`, {
  ignore: ignore || Deno.build.os === "windows",
}, async () => {
  await using server = await startServer(["127.0.0.1:0"], [executable, "serve"]);
  using conn = await dialPort(server.port);
  const message = random(1000);
  assertEquals(await exchange(conn, message), message);
  server.process.kill("SIGTERM");
  assertEquals(await conn.read(new Uint8Array(1)), null);
  assertEquals((await server.process.status).code, 0);
  assert((await server.log).includes(" info stopped "));
});

addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
