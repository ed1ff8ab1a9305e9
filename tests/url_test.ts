/** The program run from a URL, as from a host of raw files: no deno.json in reach, all as text/plain. */
import { assertEquals, assertMatch } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { bundle, packages, root, run, startServer } from "./program.ts";

/** Serves the project's files, and its bundle, with the headers of raw.githubusercontent.com. */
function serveFiles(): Deno.HttpServer<Deno.NetAddr> {
  const headers = {
    "content-type": "text/plain; charset=utf-8",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  };
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    try {
      const { pathname } = new URL(request.url);
      const file = pathname === "/yodel.js" && bundle ? bundle : root + pathname.slice(1);
      return new Response(await Deno.readFile(file), { headers });
    } catch {
      return new Response("404: Not Found", { status: 404, headers });
    }
  });
}

Deno.test("deno run and deno install take the program from a URL", {
  ignore: Deno.build.os === "windows", // It asks for sh.
}, async () => {
  await using files = serveFiles();
  const host = `127.0.0.1:${files.addr.port}`;
  const elsewhere = await Deno.makeTempDir();
  const flags = ["--quiet", "--allow-net", "--allow-read", "--allow-write", ...packages];
  const url = `http://${host}/main.ts`;
  // The shell goes to an empty folder, so that no deno.json is near.
  const script = `cd ${elsewhere} && DENO_DIR=${elsewhere}/cache exec "$@"`;
  const there = (...words: string[]) => ["sh", "-c", script, "sh", ...words];
  const program = there(Deno.execPath(), "run", ...flags, url);

  const help = await run([...program, "--help"]);
  assertEquals({ code: help.code, stderr: help.stderr }, { code: 0, stderr: "" });
  assertMatch(help.stdout, /^Usage: yodel COMMAND /);
  {
    await using server = await startServer(["127.0.0.1:0"], [...program, "serve"]);
    assertEquals(await run([...program, "connect", "--verify", `${server.port}`], "hello\n"), {
      code: 0,
      stdout: "hello\n",
      stderr: "",
    });
  }
  const install = [Deno.execPath(), "install", "--global", "--root", elsewhere, "--name", "yodel"];
  const installed = await run(there(...install, ...flags, url));
  assertEquals({ code: installed.code }, { code: 0 }, installed.stderr);
  assertEquals(await run(there(`${elsewhere}/bin/yodel`, "--version")), {
    code: 0,
    stdout: `yodel ${config.version}\n`,
    stderr: "",
  });
  await Deno.remove(elsewhere, { recursive: true });
});

Deno.test("yodel.js alone is the whole program, from a URL too", {
  ignore: bundle === undefined || Deno.build.os !== "linux", // Threads share ports on Linux alone.
}, async () => {
  await using files = serveFiles();
  const folder = await Deno.makeTempDir();
  const flags = ["--unstable-net", "--allow-net", "--allow-read", "--allow-write", "--allow-sys"];
  const deno = ["env", "-C", folder, `DENO_DIR=${folder}/cache`, Deno.execPath(), "run", "--quiet"];
  const yodel = [...deno, ...flags, `http://127.0.0.1:${files.addr.port}/yodel.js`];
  const serve = [...yodel, "serve", "--workers", "2", "--metrics", "0"];
  const endpoints = ["tcp", "tls", "udp"].map((scheme) => `${scheme}://127.0.0.1:0`);
  await using server = await startServer(endpoints, serve);
  const [tcp = "", tls = "", udp = ""] = server.endpoints;
  const connect = [...yodel, "connect", "--verify"];
  const echoed = { code: 0, stdout: "hello\n" };
  for (const args of [[tcp], [tls, "--insecure"], [udp]]) {
    const { code, stdout } = await run([...connect, ...args], "hello\n");
    assertEquals({ code, stdout }, echoed, args[0]);
  }
  for (const args of [["ping", tls, "--insecure", "-c2"], ["load", tcp, "-n100", "--workers=2"]]) {
    const { code, stderr } = await run([...yodel, ...args]);
    assertEquals({ code, stderr: stderr.replace(/^yodel: warning: .*\n/, "") }, {
      code: 0,
      stderr: "",
    });
  }
  server.process.kill("SIGTERM");
  const { code } = await server.process.status;
  assertEquals(code, 0, await server.log);
  assertMatch(await server.log, / stopped connections=/);
  await Deno.remove(folder, { recursive: true });
});
