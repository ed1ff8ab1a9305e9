/** install.sh, with a release that is served on loopback, and the task that installs a clone. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { available, type Result, root, run } from "./program.ts";

const ignore = !available("curl") || !available("tar") || Deno.build.os === "windows";
const target = Deno.build.target;
const archive = `yodel-1.2.3-${target}`;

/** How install.sh ends where it installs nothing. */
function failed(why: string): Result {
  return { code: 1, stdout: "", stderr: `install.sh: ${why}\n` };
}

/** A release for this machine, of a script that prints its version; `name` is its file. */
async function startRelease(program = "#!/bin/sh\necho yodel 1.2.3\n", name = "yodel") {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/${archive}`);
  await Deno.writeTextFile(`${folder}/${archive}/${name}`, program);
  await Deno.writeTextFile(`${folder}/${archive}/yodel.1`, ".TH YODEL 1\n");
  await run(["tar", "-czf", `${folder}/${archive}.tar.gz`, "-C", folder, archive]);
  const bytes = await Deno.readFile(`${folder}/${archive}.tar.gz`);
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const others = "0".repeat(64) + "  yodel-1.2.3-sparc-sun-solaris.tar.gz\n";
  await Deno.writeTextFile(`${folder}/SHA256SUMS`, `${others}${sum}  ${archive}.tar.gz\n`);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    return await Deno.readFile(folder + new URL(request.url).pathname).then(
      (bytes) => new Response(bytes),
      () => new Response("not found", { status: 404 }),
    );
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const script =
    'cd "$0" && exec env PATH="$1" no_proxy=127.0.0.1 "$2" "$3" --from "$4" --dir "$5"';
  return {
    url,
    folder,
    /** Runs install.sh with this release. */
    install: async (path = Deno.env.get("PATH") ?? "", dir = `${folder}/bin`) => {
      const sh = (await run(["sh", "-c", "command -v sh"])).stdout.trim();
      return await run(["sh", "-c", script, folder, path, sh, `${root}install.sh`, url, dir]);
    },
    hasInstalled: () => [...Deno.readDirSync(folder)].some(({ name }) => name === "bin"),
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("install.sh installs the program for this system and says so", { ignore }, async () => {
  await using release = await startRelease();
  const installed = `installed ${archive} as ${release.folder}/bin/yodel\n`;
  const bin = `${release.folder}/bin`;
  const advice = `${bin} is not in your PATH: add it, or start ${bin}/yodel\n`;
  const result = await release.install();
  assertEquals(result, { code: 0, stdout: installed + advice, stderr: "" });
  const { stdout } = await run([`${release.folder}/bin/yodel`]);
  assertEquals(stdout, "yodel 1.2.3\n");
  const page = await Deno.readTextFile(`${release.folder}/share/man/man1/yodel.1`);
  assertEquals(page, ".TH YODEL 1\n");
  const again = await release.install(`${Deno.env.get("PATH")}:${release.folder}/bin`);
  assertEquals(again, { code: 0, stdout: installed, stderr: "" });
});

Deno.test("install.sh installs nothing from an archive that is wrong", { ignore }, async () => {
  await using changed = await startRelease();
  await Deno.writeTextFile(`${changed.folder}/${archive}.tar.gz`, "x", { append: true });
  const wrong = failed(`${archive}.tar.gz has the wrong checksum: not installed`);
  assertEquals([await changed.install(), changed.hasInstalled()], [wrong, false]);
  await using empty = await startRelease(undefined, "other");
  const none = failed(`${archive}.tar.gz has no program`);
  assertEquals([await empty.install(), empty.hasInstalled()], [none, false]);
});

Deno.test("install.sh keeps the old program if the new one does not start", {
  ignore,
}, async () => {
  await using release = await startRelease("#!/nowhere/sh\n");
  await Deno.mkdir(`${release.folder}/bin`);
  await Deno.writeTextFile(`${release.folder}/bin/yodel`, "old");
  const { code, stdout, stderr } = await release.install();
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, `the program of ${archive}.tar.gz does not start on this system\n`);
  assertEquals(await Deno.readTextFile(`${release.folder}/bin/yodel`), "old");
  assertEquals(Array.from(Deno.readDirSync(`${release.folder}/bin`)).length, 1);
});

Deno.test("install.sh replaces links instead of writing through them", { ignore }, async () => {
  await using release = await startRelease();
  await Deno.mkdir(`${release.folder}/bin`);
  await Deno.writeTextFile(`${release.folder}/target`, "kept");
  await Deno.mkdir(`${release.folder}/share/man/man1`, { recursive: true });
  for (const name of ["bin/.yodel.new", "bin/yodel", "share/man/man1/yodel.1"]) {
    await Deno.symlink(`${release.folder}/target`, `${release.folder}/${name}`);
  }
  assertEquals((await release.install()).code, 0);
  assertEquals(await Deno.readTextFile(`${release.folder}/target`), "kept");
  assertEquals((await run([`${release.folder}/bin/yodel`])).stdout, "yodel 1.2.3\n");
});

Deno.test("install.sh installs into a folder that begins with a dash", { ignore }, async () => {
  await using release = await startRelease();
  const { code, stderr } = await release.install(undefined, "-rf");
  assertEquals([code, stderr], [0, ""]);
  assertEquals((await run([`${release.folder}/-rf/yodel`])).stdout, "yodel 1.2.3\n");
});

Deno.test("install.sh names a missing archive, system, tool or release", { ignore }, async () => {
  await using release = await startRelease();
  const tools = `${release.folder}/tools`;
  await Deno.mkdir(tools);
  const names = "sh curl sha256sum shasum tar uname mktemp rm grep head".split(" ");
  for (const tool of names.filter(available)) {
    const { stdout } = await run(["sh", "-c", `command -v ${tool}`]);
    await Deno.symlink(stdout.trim(), `${tools}/${tool}`);
  }
  assertEquals(await release.install(tools), failed("gzip is needed"));

  await Deno.writeTextFile(`${tools}/gzip`, "", { mode: 0o755 });
  await Deno.remove(`${tools}/uname`);
  const uname = (system: string) =>
    Deno.writeTextFile(`${tools}/uname`, `#!/bin/sh\necho ${system}\n`, { mode: 0o755 });
  await uname("Plan9");
  assertEquals(await release.install(tools), failed("there is no archive for Plan9"));
  await uname("MINGW64_NT-10.0-26100");
  const windows = `on Windows, run: powershell -c "irm ${release.url}/install.ps1 | iex"`;
  assertEquals(await release.install(tools), failed(windows));

  await Deno.writeTextFile(`${release.folder}/SHA256SUMS`, "");
  assertEquals(await release.install(), failed(`${release.url} has no archive for ${target}`));
  await Deno.remove(`${release.folder}/SHA256SUMS`);
  const nothing = await release.install();
  assertEquals(nothing.code, 1);
  assertStringIncludes(nothing.stderr, "install.sh: cannot download");
  const usage = await run(["sh", `${root}install.sh`, "--prefix"]);
  assertEquals(usage, failed("expected [--dir DIR] [--from URL], not --prefix"));
});

// The release's workflow tries on Windows that it installs.
Deno.test("install.ps1 says what is wrong: no release, no archive, a wrong checksum", {
  ignore: !available("pwsh"),
}, async () => {
  await using release = await startRelease();
  const zip = "yodel-1.2.3-x86_64-pc-windows-msvc.zip";
  const sums = (text: string) => Deno.writeTextFile(`${release.folder}/SHA256SUMS`, text);
  await Deno.writeTextFile(`${release.folder}/${zip}`, "");
  const install = async (...args: string[]) => {
    const pwsh = ["pwsh", "-NoProfile", "-NonInteractive", "-File", `${root}install.ps1`];
    const env = ["env", "no_proxy=127.0.0.1", "PROCESSOR_ARCHITECTURE=AMD64"];
    return await run([...env, ...pwsh, "-Dir", `${release.folder}/bin`, ...args]);
  };
  const fails = async (why: string, ...args: string[]) =>
    assertEquals(await install(...args), { code: 1, stdout: "", stderr: `install.ps1: ${why}\n` });

  await fails("say with -From URL where the release is");
  await sums("");
  const missing = `${release.url} has no archive for x86_64-pc-windows-msvc`;
  await fails(missing, "-From", `${release.url}/`);
  await sums(`${"0".repeat(64)}  ${zip}\n`);
  await fails(`${zip} has the wrong checksum: not installed`, "-From", release.url);
  await fails(`${zip} has the wrong checksum: not installed`, "-From", release.folder);
  assertEquals(release.hasInstalled(), false);
});

Deno.test("deno task install says where the command is, and what has to be in the PATH", {
  ignore: Deno.build.os === "windows", // It asks for sh.
}, async () => {
  const folder = await Deno.makeTempDir();
  const deno = Deno.execPath();
  const task = [deno, "task", "--quiet", "--cwd", root, "install"];
  const installed = await run(["env", `DENO_INSTALL_ROOT=${folder}`, ...task]);
  const advice = "deno in your PATH: npm install --global deno\n";
  const expected = `yodel needs this folder, and ${advice}`;
  assertEquals([installed.code, installed.stdout], [0, expected]);
  assertStringIncludes(installed.stderr, `\n${folder}/bin/yodel\n`);
  const inPath = /^ *(export PATH=.*)$/m.exec(installed.stderr)?.[1];
  const denoInPath = `PATH=${deno.replace(/\/[^/]*$/, "")}:$PATH`;
  const version = await run(["sh", "-c", `${denoInPath}; ${inPath}; yodel --version`]);
  assertEquals(version, { code: 0, stdout: `yodel ${config.version}\n`, stderr: "" });
  await Deno.remove(folder, { recursive: true });
});
