/** The program run from a clone where JSR is reached: an imitation, whose packages are the stand-ins. */
import { assertEquals } from "@std/assert";
import standIns from "../.ci/npm/imports.json" with { type: "json" };
import config from "../deno.json" with { type: "json" };
import { available, root, run } from "./program.ts";

/** Serves what JSR would of the packages that have stand-ins. */
function serveJsr(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async ({ url }) => {
    const exports: Record<string, string> = {};
    const manifest: Record<string, { size: number; checksum: string }> = {};
    for (const [specifier, file] of Object.entries(standIns.imports)) {
      const [, name, version = "", module] = /^jsr:(.+)@([\d.]+)\/(.+)$/.exec(specifier) ?? [];
      const { pathname } = new URL(url);
      if (pathname === `/${name}/meta.json`) return Response.json({ versions: { [version]: {} } });
      if (!pathname.startsWith(`/${name}/${version}`)) continue;
      const bytes = await Deno.readFile(`${root}.ci/npm/${file}`);
      if (pathname === `/${name}/${version}${file.slice(1)}`) return new Response(bytes);
      const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
      exports[`./${module}`] = file;
      manifest[file.slice(1)] = { size: bytes.length, checksum: `sha256-${sum}` };
    }
    return Response.json({ manifest, exports });
  });
}

Deno.test("a clone is as it was after the program was started from it", {
  ignore: !available("diff"),
}, async () => {
  await using jsr = serveJsr();
  const folder = await Deno.makeTempDir();
  const [clone, before] = [`${folder}/clone`, `${folder}/before`];
  await Deno.mkdir(clone);
  for (const { name } of Deno.readDirSync(root)) {
    if ([".git", "coverage", "dist", "node_modules"].includes(name)) continue;
    await run(["cp", "-R", root + name, clone]);
  }
  await run(["cp", "-R", clone, before]);
  const script = `cd ${clone}; export JSR_URL=http://127.0.0.1:${jsr.addr.port}/
    export DENO_DIR=${folder}/cache; exec "$@"`;
  const there = (...args: string[]) => run(["sh", "-c", script, "sh", Deno.execPath(), ...args]);

  const started = await there("task", "start", "--help");
  assertEquals({ code: started.code }, { code: 0 }, started.stderr);
  assertEquals(await there("run", "--quiet", "main.ts", "--version"), {
    code: 0,
    stdout: `yodel ${config.version}\n`,
    stderr: "",
  });

  assertEquals(await run(["diff", "-r", before, clone]), { code: 0, stdout: "", stderr: "" });
  await Deno.remove(folder, { recursive: true });
});
