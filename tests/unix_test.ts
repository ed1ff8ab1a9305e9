/** Unix sockets, in serve and connect. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { EndpointError, serve, type Server } from "../server.ts";
import { exchange, linux, pause, random } from "./local.ts";
import { runHere } from "./in_process.ts";
import { available, shell, startServer } from "./program.ts";

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
  for (const words of [["connect"], ["ping", "-c1"], ["load", "-n1"]]) {
    const { code, stderr } = await runHere([...words, `unix:${path}`]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `yodel: cannot connect to unix:${path}: connection refused`);
  }
  assertEquals(await Deno.readTextFile(path), "precious");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a Unix socket that is not there is one line and status 2", { ignore }, async () => {
  const { code, stdout, stderr } = await runHere(["connect", "unix:/nowhere/echo.sock"]);
  assertEquals({ code, stdout }, { code: 2, stdout: "" });
  assertEquals(stderr, "yodel: cannot connect to unix:/nowhere/echo.sock: no such file\n");
});

Deno.test("a socket has its permissions from the moment that it is there", { ignore }, async () => {
  const folder = await Deno.makeTempDir();
  // Looks without pause, and tells with which permissions it sees each one first.
  const look = `const [folder] = Deno.args;
    console.log();
    for (let i = 0; i < 10;) {
      try {
        const { mode } = Deno.lstatSync(folder + "/" + i);
        console.error((mode & 0o777).toString(8));
        Deno.writeTextFileSync(folder + "/seen" + i++, "");
      } catch {
        // It is not there yet.
      }
    }`;
  await using watch = await startServer([folder], [Deno.execPath(), "eval", look]);
  for (let i = 0; i < 10; i++) {
    const { stop } = await startUnix(`${folder}/${i}`);
    for (let seen = false; !seen; await pause(1)) seen = await exists(`${folder}/seen${i}`);
    await stop();
  }
  assertEquals(await watch.log, "600\n".repeat(10));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("of servers that start on one stale socket, one listens", { ignore }, async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/echo.sock`;
  for (let round = 0; round < 10; round++) {
    await leaveStale(path);
    const started = await Promise.allSettled(Array.from({ length: 8 }, () => startUnix(path)));
    const servers = started.filter((one) => one.status === "fulfilled");
    assertEquals(servers.length, 1);
    for (const { reason } of started.filter((one) => one.status === "rejected")) {
      assertEquals(reason.message, `cannot listen on unix:${path}: address in use`);
    }
    using conn = await Deno.connect({ transport: "unix", path });
    assertEquals((await exchange(conn, random(10))).length, 10);
    for (const { value } of servers) await value.stop();
  }
  assertEquals([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

Deno.test("a server that ends leaves the socket of another in its place", { ignore }, async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/echo.sock`;
  const first = await startUnix(path);
  await Deno.remove(path);
  const second = await startUnix(path);
  await first.stop();
  using conn = await Deno.connect({ transport: "unix", path });
  assertEquals((await exchange(conn, random(10))).length, 10);
  await second.stop();
  assertEquals(await exists(path), false);
  await Deno.remove(folder);
});

Deno.test("a Unix socket with too many waiting is in use, and a client waits its time", {
  ignore: !linux || !available("python3"),
}, async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/full.sock`;
  const script = `import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(0)
c = socket.socket(socket.AF_UNIX); c.connect(sys.argv[1])
print(flush=True); time.sleep(60)`;
  await using full = await startServer([path], ["python3", "-c", script]);
  const inUse = await assertRejects(() => startUnix(path), EndpointError);
  assertEquals(inUse.message, `cannot listen on unix:${path}: address in use`);
  const { code, stderr } = await runHere(["connect", `unix:${path}`, "--timeout", "300ms"]);
  assertEquals({ code, stderr }, {
    code: 2,
    stderr: `yodel: cannot connect to unix:${path}: timed out after 0.3s\n`,
  });
  full.process.kill("SIGKILL");
  await Deno.remove(folder, { recursive: true });
});

Deno.test(
  "what is too long for a Unix socket is said, with the limit",
  { ignore: !linux },
  async () => {
    const folder = await Deno.makeTempDir();
    const deep = `${folder}/${"d".repeat(105 - folder.length - 1)}`;
    await Deno.mkdir(deep);
    const path = `${deep}/e`;
    const tooDeep = await assertRejects(() => startUnix(path), EndpointError);
    assertEquals(
      tooDeep.message,
      `cannot listen on unix:${path}: its folder has 106 bytes, and 100 are the most`,
    );
    // As long as any client can take it.
    const longest = `${folder}/${"s".repeat(107 - folder.length - 1)}`;
    await (await startUnix(longest)).stop();
    await assertRejects(() => startUnix(`${longest}s`), EndpointError, "107 are the most");
    await Deno.remove(folder, { recursive: true });
  },
);

/** Leaves a socket at which nobody listens. */
async function leaveStale(path: string): Promise<void> {
  const listener = Deno.listen({ transport: "unix", path: `${path}.old` });
  await Deno.link(`${path}.old`, path);
  listener.close();
}
