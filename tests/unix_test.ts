/** Unix sockets, in serve and connect. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { EndpointError, serve, type Server } from "../server.ts";
import { exchange, random } from "./local.ts";
import { available, shell, startServer, yodel } from "./program.ts";

const ignore = Deno.build.os === "windows";

async function startUnix(path: string): Promise<{ server: Server; stop: () => Promise<void> }> {
  const stop = new AbortController();
  const server = await serve([{ scheme: "unix", path }], { signal: stop.signal, drain: 1 });
  return {
    server,
    stop: async () => {
      stop.abort();
      await server.finished;
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

Deno.test("20 MiB come back through a Unix socket, whose file goes with the server", {
  ignore,
}, async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/echo.sock`;
  const message = random(20 * 1024 * 1024);
  await Deno.writeFile(`${folder}/sent`, message);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await using server = await startServer([`unix:${path}`]);
    assertEquals(server.endpoints, [`unix:${path}`]);
    assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    const { code, stderr } = await shell(
      `set -o pipefail; yodel connect unix:${path} --verify <${folder}/sent | cmp - ${folder}/sent`,
    );
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    server.process.kill(signal);
    assertEquals((await server.process.status).code, 0);
    assertEquals(await exists(path), false);
    assertStringIncludes(await server.log, `peer=unix endpoint=unix:${path} `);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test(
  "socat talks through a Unix socket",
  { ignore: ignore || !available("socat") },
  async () => {
    const folder = await Deno.makeTempDir();
    await using _server = await startServer([`unix:${folder}/echo.sock`, "--socket-mode", "0666"]);
    assertEquals(((await Deno.stat(`${folder}/echo.sock`)).mode ?? 0) & 0o777, 0o666);
    const { stdout } = await shell(`echo hello | socat -t 5 - UNIX-CONNECT:${folder}/echo.sock`);
    assertEquals(stdout, "hello\n");
    const returned = await shell(
      `timeout 10 socat -t 5 UNIX-LISTEN:${folder}/socat.sock PIPE &
    while [ ! -S ${folder}/socat.sock ]; do sleep 0.02; done
    head -c 30000 /dev/urandom | yodel connect --verify unix:${folder}/socat.sock | wc -c; wait`,
    );
    assertEquals(returned.stdout.trim(), "30000");
    await Deno.remove(folder, { recursive: true });
  },
);

Deno.test("a live socket is in use, a stale one is replaced, another file is left alone", {
  ignore,
}, async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/echo.sock`;
  const { stop } = await startUnix(path);
  const inUse = await assertRejects(() => startUnix(path), EndpointError);
  assertEquals(inUse.message, `cannot listen on unix:${path}: address in use`);
  using conn = await Deno.connect({ transport: "unix", path });
  assertEquals((await exchange(conn, random(10))).length, 10);
  await stop();

  await using killed = await startServer([`unix:${path}`]);
  killed.process.kill("SIGKILL");
  await killed.process.status;
  assert(await exists(path));
  const { stop: stopAgain } = await startUnix(path);
  await stopAgain();

  await Deno.writeTextFile(path, "precious");
  await assertRejects(() => startUnix(path), EndpointError, "not a socket");
  assertEquals(await Deno.readTextFile(path), "precious");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a Unix socket that is not there is one line and status 2", { ignore }, async () => {
  const { code, stdout, stderr } = await yodel(["connect", "unix:/nowhere/echo.sock"]);
  assertEquals({ code, stdout }, { code: 2, stdout: "" });
  assertEquals(stderr, "yodel: cannot connect to unix:/nowhere/echo.sock: no such file\n");
});
