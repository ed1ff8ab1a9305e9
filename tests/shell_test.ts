/** What a shell sees: streams, pipes, signals, exit statuses. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { formatEndpoint } from "../server.ts";
import { stopOnSignal } from "../cli/exit.ts";
import { replaced } from "./in_process.ts";
import { dialPort, exchange, flood, random, readBytes, startLocal } from "./local.ts";
import { linux, onLinux, onUnix, unix } from "./machine.ts";
import { plain, startLine } from "./pings.ts";
import { caFile, certFile, folder, keyFile } from "./servers.ts";
import { program, root, run, shell, startServer, yodel } from "./program.ts";

Deno.test("serve prints what it listens on, and nothing else, on stdout", async () => {
  await using server = await startServer(["127.0.0.1:0", "[::1]:0"]);
  assertMatch(server.endpoints.join("\n"), /^tcp:\/\/127\.0\.0\.1:\d+\ntcp:\/\/\[::1\]:\d+$/);
  for (const endpoint of server.endpoints) {
    const { code, stdout } = await yodel(["connect", endpoint, "--verify"], "hello\n");
    assertEquals([code, stdout], [0, "hello\n"]);
  }
});

Deno.test("connect brings back 20 MiB over tcp, tls and unix, byte for byte", onUnix, async () => {
  const socket = `${folder}/shell.sock`;
  const own = ["--cert", certFile, "--key", keyFile];
  const asked = ["127.0.0.1:0", "tls://127.0.0.1:0", `unix:${socket}`];
  await using server = await startServer([...asked, ...own]);
  const [tcp, tls, unix] = server.endpoints;
  await Deno.writeFile(`${folder}/sent`, random(20 * 1024 * 1024));
  for (
    const words of [tcp, `${tcp} --verify`, `${tls} --verify --ca ${caFile}`, `${unix} --verify`]
  ) {
    const command = `cat ${folder}/sent | yodel connect ${words} | cmp - ${folder}/sent`;
    const result = await shell(`set -o pipefail; ${command}`);
    assertEquals(result, { code: 0, stdout: "", stderr: "" }, words);
  }
  server.process.kill("SIGTERM");
  assertEquals((await server.process.status).code, 0);
  assertMatch(await server.log, / peer=unix endpoint=unix:\S+ /);
  await assertRejects(() => Deno.lstat(socket), Deno.errors.NotFound);
});

Deno.test("clients end quietly when their output is closed", onUnix, async () => {
  await using server = await startLocal();
  const { port } = server;
  const quiet = await shell(`yes | yodel connect ${port} | head -1; echo \${PIPESTATUS[1]}`);
  assertEquals(quiet, { code: 0, stdout: "y\n0\n", stderr: "" });
  const name = formatEndpoint(server.endpoint);
  // It would never end.
  const pinged = await shell(`yodel ping ${name} -i20ms -W1m | head -2; echo \${PIPESTATUS[0]}`);
  const answered = `${startLine(name)}56 bytes from ${name}: seq=1 time=T ms\n`;
  assertEquals([plain(pinged.stdout), pinged.stderr], [`${answered}0\n`, ""]);
  const loaded = await shell(
    `yodel load ${name} -c2 -n10 --json | head -c 10; echo " \${PIPESTATUS[0]}"
    yodel load ${name} -c2 -n10 | true; echo \${PIPESTATUS[0]}`,
  );
  assertEquals([loaded.stdout, loaded.stderr], ['{"endpoint 0\n0\n', ""]);
  const unverified = await shell(
    `yes | yodel connect --verify ${port} | head -1; echo \${PIPESTATUS[1]}`,
  );
  assertEquals([unverified.stdout, unverified.stderr], [
    "y\n2\n",
    "yodel: cannot write the output: Broken pipe\n",
  ]);
});

Deno.test("a full disk, or a folder for input, is one line and status 2", onLinux, async () => {
  await using server = await startLocal();
  const full = "cannot write the output: No space left on device";
  for (
    const [command, error] of [
      [`echo x | yodel connect ${server.port} >/dev/full`, full],
      [`yodel ping ${server.port} -i20ms -W1m >/dev/full`, full],
      [`yodel connect ${server.port} </`, "cannot read the input: it is a directory"],
    ] as const
  ) assertEquals(await shell(command), { code: 2, stdout: "", stderr: `yodel: ${error}\n` });
});

/** Makes a program the first process of a container. */
const asFirst = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
const canBeFirst = linux &&
  await run([...asFirst, "true"]).then(({ code }) => code === 0, () => false);

Deno.test("signals end the client in a container, where it is process 1", {
  ignore: !canBeFirst,
}, async () => {
  await using server = await startLocal();
  for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]] as const) {
    const [command = "", ...args] = [...asFirst, ...program, "connect", "-v", `:${server.port}`];
    const child = new Deno.Command(command, { args, stdin: "piped", stderr: "piped" }).spawn();
    const reader = child.stderr.getReader();
    assertMatch(new TextDecoder().decode((await reader.read()).value), /connected to/);
    const children = await Deno.readTextFile(`/proc/${child.pid}/task/${child.pid}/children`);
    Deno.kill(Number(children), signal);
    assertEquals((await child.status).code, 128 + number);
    await reader.cancel();
    await child.stdin.close().catch(() => {});
  }
});

for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]] as const) {
  Deno.test(`${signal} drains the server, and a second one ends it at once`, onUnix, async () => {
    await using server = await startServer(["127.0.0.1:0", "--drain", "0"]);
    using idle = await dialPort(server.port);
    await exchange(idle, random(10));
    using busy = await dialPort(server.port);
    const { broken } = await flood(busy);
    server.process.kill(signal);
    assertEquals(await idle.read(new Uint8Array(1)), null);
    // Sooner than after 100 ms it would count as the first once more.
    const again = setInterval(() => {
      try {
        server.process.kill(signal);
      } catch {
        // It has ended, and the test is about to learn of it.
      }
    }, 50);
    const { code } = await server.process.status;
    clearInterval(again);
    assertEquals(code, 128 + number);
    await broken;
    assertMatch(await server.log, /info draining connections=2/);
  });
}

Deno.test("SIGHUP stays ignored if it was at the start, as with nohup", onLinux, async () => {
  // Only with all permissions can it be known.
  const [deno = "", run = "", ...words] = program;
  const others = words.filter((word) => !word.startsWith("--allow-"));
  const command = ["nohup", deno, run, "--allow-all", ...others, "serve"];
  await using server = await startServer(["127.0.0.1:0"], command);
  server.process.kill("SIGHUP");
  server.process.kill("SIGHUP");
  using conn = await dialPort(server.port);
  await exchange(conn, random(10));
  server.process.kill("SIGTERM");
  assertEquals((await server.process.status).code, 0);
});

Deno.test("clients that wait when the server is stopped are served", onLinux, async () => {
  const path = await Deno.makeTempFile();
  const asked = ["tcp://127.0.0.1:0", `unix:${path}.sock`];
  await using server = await startServer(asked);
  const { process } = server;
  process.kill("SIGSTOP");
  const message = random(1000);
  const conns = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const conn = i % 2 === 0
        ? await dialPort(server.port)
        : await Deno.connect({ transport: "unix", path: `${path}.sock` });
      await conn.write(message);
      return conn;
    }),
  );
  process.kill("SIGTERM");
  process.kill("SIGCONT");
  for (const conn of conns) {
    assertEquals(await readBytes(conn, message.length), message);
    assertEquals(await conn.read(new Uint8Array(1)), null);
    conn.close();
  }
  assertEquals((await process.status).code, 0);
  assertMatch(await server.log, /stopped connections=50\n/);
  await Deno.remove(path);
});

// On a terminal Ctrl-C reaches the program and the task runner, which passes it on.
Deno.test("signals within 100 ms of the first count once, a later one ends the program", async () => {
  const signals = new Map<string, () => void>();
  let now = 1000;
  using _signals = replaced(Deno, {
    addSignalListener: (name, handler) => void signals.set(name, handler),
  });
  using _clock = replaced(performance, { now: () => now });
  const stop = stopOnSignal((status) => {
    throw new Error(`exits with ${status}`);
  });
  assert(!stop.aborted);
  for (const name of ["SIGINT", "SIGTERM", "SIGINT", "SIGHUP"]) {
    signals.get(name)?.();
    assertEquals(stop.reason, 130);
    now += 33;
  }
  await assertRejects(async () => await signals.get("SIGTERM")?.(), Error, "exits with 143");
});

/** Sends a text and waits until it is back, and until the server has closed the connection. */
async function converse(port: number, text: string): Promise<void> {
  using conn = await dialPort(port);
  await exchange(conn, new TextEncoder().encode(text));
  await conn.closeWrite();
  assertEquals(await conn.read(new Uint8Array(1)), null);
}

Deno.test("logs go to stderr as JSON lines with units in the keys", async () => {
  await using server = await startServer(["127.0.0.1:0", "--log-format", "json"]);
  await converse(server.port, "hello");
  server.process.kill(unix ? "SIGTERM" : "SIGKILL");
  const lines = (await server.log).trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.slice(0, 2).map(({ message }) => message), ["listening", "closed"]);
  const [, closed] = lines;
  assertEquals(Object.keys(closed).slice(0, 3), ["time", "level", "message"]);
  assertEquals(closed.received_bytes, 5);
  assertEquals(typeof closed.duration_ms, "number");
  assert(Math.abs(Date.now() - Date.parse(closed.time)) < 60_000);
});

Deno.test("--log-level error keeps a server silent, text quotes where it must", async () => {
  for (
    const [flags, log] of [
      [["--log-level", "error"], /^$/],
      [
        ["--log-data", "text"],
        / info read connection=1 bytes=14 data="say \\"hi\\" \\x1b\[2J\\n"\n/,
      ],
    ] as const
  ) {
    await using server = await startServer(["127.0.0.1:0", ...flags]);
    await converse(server.port, 'say "hi" \x1b[2J\n');
    server.process.kill(unix ? "SIGTERM" : "SIGKILL");
    assertMatch(await server.log, log);
  }
});

for (const log of ["2> >(head -c 1 >/dev/null)", "2>/dev/full"]) {
  Deno.test(`a server continues when its log cannot be written: ${log}`, onLinux, async () => {
    const { stdout } = await shell(`
      exec 3< <(yodel serve 0 --log-data text ${log}); server=$!
      read -r address <&3
      for i in 1 2 3; do echo hello | yodel connect --verify "$address"; done
      kill $server; wait $server 2>/dev/null; echo $?
    `);
    assertEquals(stdout, "hello\n".repeat(3) + "0\n");
  });
}

Deno.test("a server continues when its log is not read", onLinux, async () => {
  const folder = await Deno.makeTempDir();
  const result = await shell(`
    mkfifo ${folder}/log; exec 4<>${folder}/log
    exec 3< <(yodel serve 0 --log-data hex 2>${folder}/log); server=$!
    read -r address <&3
    head -c 20000000 /dev/zero | yodel connect --verify "$address" | wc -c
    kill $server; wait $server 2>/dev/null; echo $?
  `);
  assertEquals(result.stdout.trim().split(/\s+/), ["20000000", "0"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a log that was not read for a while counts what it lost", onLinux, async () => {
  const folder = await Deno.makeTempDir();
  const { stdout } = await shell(`
    mkfifo ${folder}/log; exec 4<>${folder}/log
    exec 3< <(yodel serve 0 --log-format json --log-data text 2>${folder}/log 4>&-); server=$!
    read -r address <&3
    yodel load "$address" -c 1 -n 8000 >/dev/null
    exec 5<${folder}/log 4>&-; cat <&5 & kill $server; wait
  `);
  await Deno.remove(folder, { recursive: true });
  const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line))
    .filter(({ message }) => message !== "draining");
  const dropped = lines.filter((line) => line.message === "lines of the log were dropped");
  assert(dropped.length > 0 && dropped.every(({ level }) => level === "warn"), stdout.slice(-500));
  const known = dropped.reduce((sum, line) => sum + line.lines, lines.length - dropped.length);
  // Each message has a line, the connection as well, and the server itself: it listens, it has stopped.
  assertEquals(known, 8000 + 1 + 2, stdout.slice(-500));
});

Deno.test("deno task start passes arguments on, and signals too", onUnix, async () => {
  const task = [Deno.execPath(), "task", "--quiet", "--cwd", root, "start"];
  await using server = await startServer(["127.0.0.1:0", "--log-level", "debug"], task);
  await converse(server.port, "hello");
  server.process.kill("SIGINT");
  assertEquals((await server.process.status).code, 0);
  const log = await server.log;
  assertMatch(log, / debug opened [^]* info stopped /);
  // Where packages come from is for those who develop.
  assert(!log.includes("JSR"), log);
});
