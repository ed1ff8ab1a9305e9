/** A release as it is made, and its executable, used for real. */
import { assert, assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { dialPort, exchange, random } from "./local.ts";
import { available, noteSkip, root, run, startServer } from "./program.ts";

const folder = await Deno.makeTempDir();
const executable = `${folder}/yodel`;
const task = [Deno.execPath(), "task", "--quiet", "--cwd"];
const rehearsal = await rehearse();

/** Makes and tries a release of a copy of the project, and takes its executable. */
async function rehearse() {
  if (!available("tar") || !available("curl")) return undefined;
  const copy = `${folder}/copy`;
  await Deno.mkdir(copy);
  const others = [".git", "dist", "node_modules", "tests", "bench", "docs"];
  const names = (await Array.fromAsync(Deno.readDir(root), ({ name }) => name))
    .filter((name) => !others.includes(name));
  await run(["cp", "-R", ...names.map((name) => root + name), copy]);
  const result = await run([...task, copy, "release", "--dry-run"], "", 300_000);
  const isWithoutRuntime = /^cannot compile: .*denort/m.test(result.stderr);
  if (isWithoutRuntime && !Deno.env.has("DENO_FOR_DENORT")) return undefined;
  const dist = `${copy}/dist/yodel-${config.version}-${Deno.build.target}`;
  await run(["tar", "-xzf", `${dist}.tar.gz`, "-C", folder, "--strip-components=1"]);
  const files = (await Array.fromAsync(Deno.readDir(`${copy}/dist`), ({ name }) => name))
    .toSorted();
  return { ...result, files };
}

const ignore = rehearsal === undefined;
if (ignore) noteSkip("no runtime to compile with");

Deno.test("a release is made, installed, run and removed on this machine", { ignore }, () => {
  assertEquals(rehearsal?.code, 0, rehearsal?.stderr);
  assertEquals(rehearsal?.files, [
    "SHA256SUMS",
    "install.ps1",
    "install.sh",
    "notes.md",
    `yodel-${config.version}-${Deno.build.target}.tar.gz`,
    "yodel.js",
  ]);
  const last = rehearsal?.stdout.trimEnd().split("\n").at(-1);
  assertEquals(last, `yodel ${config.version} was installed, run and removed`);
});

Deno.test("without the runtime, deno task compile says in one line what to do", {
  ignore: Deno.build.os === "windows", // It asks for env.
}, async () => {
  const compile = [...task, root, "compile", "--output", `${folder}/none`];
  const { code, stderr } = await run(["env", "DENORT_BIN=/nowhere", ...compile]);
  assertEquals(code, 1);
  const lines = stderr.trimEnd().split("\n").filter((line) => !line.startsWith("JSR cannot"));
  assertEquals(lines.map((line) => line.replace(/: .*;/, ": …;")), [
    "cannot compile: …; set DENORT_BIN to the denort of this version of Deno, " +
    "or run this where it can be downloaded",
  ]);
});

Deno.test("the executable may use the network, files and two facts of the system, and never asks", {
  ignore: ignore || !available("grep"),
}, async () => {
  const { stdout } = await run(["grep", "-a", "-o", '"permissions":{[^}]*}', executable]);
  const { permissions } = JSON.parse(`{${stdout.trim().split("\n").at(-1)}}`);
  const allowed = Object.keys(permissions).filter((key) =>
    key.startsWith("allow_") && key !== "allow_import" && Array.isArray(permissions[key])
  );
  assertEquals(allowed.toSorted(), ["allow_net", "allow_read", "allow_sys", "allow_write"]);
  assertEquals(permissions.prompt, false);
});

Deno.test("the executable refuses a wrong flag", { ignore }, async () => {
  assertEquals(await run([executable, "serve", "--drian"]), {
    code: 2,
    stdout: "",
    stderr: 'yodel: unknown flag "--drian"; did you mean --drain?\n',
  });
});

Deno.test(
  "the executable measures, on several threads and with metrics too",
  { ignore },
  async () => {
    await using server = await startServer(["127.0.0.1:0"], [executable, "serve"]);
    const endpoint = String(server.port);
    const ping = await run([executable, "ping", endpoint, "-qc", "3", "-i", "10ms", "--json"]);
    assertEquals([ping.code, JSON.parse(ping.stdout).received], [0, 3]);
    const load = await run([
      executable,
      "load",
      endpoint,
      "-n",
      "1000",
      "--workers",
      "2",
      "--json",
    ]);
    assertEquals([load.code, JSON.parse(load.stdout).messages.right], [0, 1000]);
    const metrics = await run([executable, "ping", endpoint, "-qc", "1", "--metrics", "0"]);
    assertEquals(metrics.code, 0, metrics.stderr);
  },
);

Deno.test("the executable drains on a signal", { ignore }, async () => {
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
