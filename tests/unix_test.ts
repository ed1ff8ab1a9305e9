/** Unix sockets, in serve and connect. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { EndpointError, serve, type Server } from "../server.ts";
import { exchange, random } from "./local.ts";
import { linux, pause, unix } from "./machine.ts";
import { runHere } from "./in_process.ts";
import { available, shell, startServer } from "./program.ts";

const ignore = !unix;

const start = (path: string): Promise<Server> => serve({ scheme: "unix", path }, { drain: 1 });

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Asserts that a server answers at a socket. */
async function assertAnswers(path: string): Promise<void> {
  using conn = await Deno.connect({ transport: "unix", path });
  assertEquals((await exchange(conn, random(10))).length, 10);
}

async function assertInUse(path: string): Promise<void> {
  const { message } = await assertRejects(() => start(path), EndpointError);
  assertEquals(message, `cannot listen on unix:${path}: address in use`);
}

/** Runs a test in a folder of its own. */
function test(
  name: string,
  run: (folder: string, path: string) => Promise<void>,
  skipped = ignore,
): void {
  Deno.test(name, { ignore: skipped }, async () => {
    const folder = await Deno.makeTempDir();
    await run(folder, `${folder}/echo.sock`);
    await Deno.remove(folder, { recursive: true });
  });
}

test(
  "socat serves a Unix socket for connect, and --socket-mode opens one",
  async (folder, path) => {
    await using _server = await serve(`unix:${path}`, { drain: 1, socketMode: 0o666 });
    assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o666);
    const returned = await shell(
      `timeout 10 socat -t 5 UNIX-LISTEN:${folder}/socat.sock PIPE &
    while [ ! -S ${folder}/socat.sock ]; do sleep 0.02; done
    head -c 30000 /dev/urandom | yodel connect --verify unix:${folder}/socat.sock | wc -c; wait`,
    );
    assertEquals(returned.stdout.trim(), "30000");
  },
  ignore || !available("socat"),
);

test("a live socket is in use, a stale one replaced, another file kept", async (_, path) => {
  {
    await using _live = await start(path);
    await assertInUse(path);
    await assertAnswers(path);
  }
  await leaveStale(path);
  await (await start(path)).stop();

  await Deno.writeTextFile(path, "precious");
  await assertRejects(() => start(path), EndpointError, "not a socket");
  for (const words of [["connect"], ["ping", "-c1"], ["load", "-n1"]]) {
    const { code, stderr } = await runHere([...words, `unix:${path}`]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `yodel: cannot connect to unix:${path}: connection refused`);
  }
  assertEquals(await Deno.readTextFile(path), "precious");
});

/** Leaves a socket without a server, as one that was killed does. */
async function leaveStale(path: string): Promise<void> {
  const listener = Deno.listen({ transport: "unix", path: `${path}.old` });
  await Deno.link(`${path}.old`, path);
  listener.close();
}

test("a socket has its permissions from the moment that it is there", async (folder) => {
  // Looks without pause, and prints the permissions with which it first sees each socket.
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
    await using _server = await start(`${folder}/${i}`);
    for (let seen = false; !seen; await pause(1)) seen = await exists(`${folder}/seen${i}`);
  }
  assertEquals(await watch.log, "600\n".repeat(10));
});

test("one of several servers that start on a stale socket listens", async (folder, path) => {
  for (let round = 0; round < 10; round++) {
    await leaveStale(path);
    const started = await Promise.allSettled(Array.from({ length: 8 }, () => start(path)));
    const servers = started.filter((one) => one.status === "fulfilled");
    assertEquals(servers.length, 1);
    for (const { reason } of started.filter((one) => one.status === "rejected")) {
      assertEquals(reason.message, `cannot listen on unix:${path}: address in use`);
    }
    await assertAnswers(path);
    for (const { value } of servers) await value.stop();
  }
  assertEquals([...Deno.readDirSync(folder)], []);
});

test("a server that ends leaves the socket of another in its place", async (_, path) => {
  const first = await start(path);
  await Deno.remove(path);
  const second = await start(path);
  await first.stop();
  await assertAnswers(path);
  await second.stop();
  assertEquals(await exists(path), false);
});

test("a socket with a full backlog is in use, and a client times out", async (_, path) => {
  const script = `import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(0)
c = socket.socket(socket.AF_UNIX); c.connect(sys.argv[1])
print(flush=True); time.sleep(60)`;
  await using _full = await startServer([path], ["python3", "-c", script]);
  await assertInUse(path);
  const { code, stderr } = await runHere(["connect", `unix:${path}`, "--timeout", "300ms"]);
  const why = "timed out after 0.3s";
  assertEquals([code, stderr], [2, `yodel: cannot connect to unix:${path}: ${why}\n`]);
}, !linux || !available("python3"));

test("what is too long for a Unix socket is said, with the limit", async (folder) => {
  const deep = `${folder}/${"d".repeat(105 - folder.length - 1)}`;
  await Deno.mkdir(deep);
  const { message } = await assertRejects(() => start(`${deep}/e`), EndpointError);
  const limit = "its directory has 106 bytes; the maximum is 100";
  assertEquals(message, `cannot listen on unix:${deep}/e: ${limit}`);
  // As long as any client can take it.
  const longest = `${folder}/${"s".repeat(107 - folder.length - 1)}`;
  await (await start(longest)).stop();
  await assertRejects(() => start(`${longest}s`), EndpointError, "the maximum is 107");
}, !linux);
