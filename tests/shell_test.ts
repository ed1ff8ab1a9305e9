/** What a shell sees: streams, pipes, signals, exit statuses. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { stopOnSignal } from "../cli/signals.ts";
import { replaced } from "./in_process.ts";
import { dialPort, exchange, flood, random, until } from "./local.ts";
import { available, program, root, run, shell, startServer, yodel } from "./program.ts";

const unix = Deno.build.os !== "windows";
const linux = Deno.build.os === "linux";

async function megabytes(count: number): Promise<string> {
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, random(count * 1024 * 1024));
  return path;
}

Deno.test("serve prints what it listens on, and nothing else, on stdout", async () => {
  await using server = await startServer(["127.0.0.1:0", "[::1]:0"]);
  assertEquals(server.endpoints.length, 2);
  assertMatch(server.endpoints[0] ?? "", /^tcp:\/\/127\.0\.0\.1:\d+$/);
  assertMatch(server.endpoints[1] ?? "", /^tcp:\/\/\[::1\]:\d+$/);
  const [four = "", six = ""] = server.endpoints;
  const hello = await yodel(["connect", four, "--verify"], "hello\n");
  assertEquals(hello, { code: 0, stdout: "hello\n", stderr: "" });
  using conn = await Deno.connect({ hostname: "::1", port: Number(six.split("]:")[1]) });
  const sent = random(10);
  assertEquals(await exchange(conn, sent), sent);
});

Deno.test("connect brings back 30 MiB, byte for byte", { ignore: !unix }, async () => {
  await using server = await startServer(["127.0.0.1:0"]);
  const file = await megabytes(30);
  for (const verify of ["", "--verify"]) {
    const result = await shell(
      `set -o pipefail; cat ${file} | yodel connect ${verify} ${server.port} | cmp - ${file}`,
    );
    assertEquals(result, { code: 0, stdout: "", stderr: "" });
  }
  await Deno.remove(file);
});

Deno.test("connect ends quietly when nobody reads its output", { ignore: !unix }, async () => {
  await using server = await startServer(["127.0.0.1:0"]);
  const quiet = await shell(`yes | yodel connect ${server.port} | head -1; echo \${PIPESTATUS[1]}`);
  assertEquals(quiet, { code: 0, stdout: "y\n0\n", stderr: "" });
  const unverified = await shell(
    `yes | yodel connect --verify ${server.port} | head -1; echo \${PIPESTATUS[1]}`,
  );
  assertEquals(unverified.stdout, "y\n2\n");
  assertEquals(unverified.stderr, "yodel: cannot write the output: Broken pipe\n");
});

Deno.test("connect without input ends at once and well", async () => {
  await using server = await startServer(["127.0.0.1:0"]);
  const result = await yodel(["connect", `${server.port}`]);
  assertEquals(result, { code: 0, stdout: "", stderr: "" });
});

Deno.test("a full disk, or a folder for input, is one line and status 2", {
  ignore: !linux,
}, async () => {
  await using server = await startServer(["127.0.0.1:0"]);
  assertEquals(await shell(`echo x | yodel connect ${server.port} >/dev/full`), {
    code: 2,
    stdout: "",
    stderr: "yodel: cannot write the output: No space left on device\n",
  });
  assertEquals(await shell(`yodel connect ${server.port} </`), {
    code: 2,
    stdout: "",
    stderr: "yodel: cannot read the input: it is a folder\n",
  });
});

/** Makes a program the first process of a container. */
const asFirst = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
const canBeFirst = linux &&
  await run([...asFirst, "true"]).then(({ code }) => code === 0, () => false);

for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]] as const) {
  Deno.test(`${signal} ends the client in a container, where it is process 1`, {
    ignore: !canBeFirst,
  }, async () => {
    await using server = await startServer(["127.0.0.1:0"]);
    const [command = "", ...args] = [...asFirst, ...program, "connect", "-v", `:${server.port}`];
    const child = new Deno.Command(command, { args, stdin: "piped", stderr: "piped" }).spawn();
    const reader = child.stderr.getReader();
    assertStringIncludes(new TextDecoder().decode((await reader.read()).value), "connected to");
    const children = await Deno.readTextFile(`/proc/${child.pid}/task/${child.pid}/children`);
    Deno.kill(Number(children), signal);
    assertEquals((await child.status).code, 128 + number);
    await reader.cancel();
    await child.stdin.close().catch(() => {});
  });

  Deno.test(`${signal} drains the server, which then exits with 0`, { ignore: !unix }, async () => {
    await using server = await startServer(["127.0.0.1:0"]);
    using conn = await dialPort(server.port);
    await exchange(conn, random(10));
    server.process.kill(signal);
    assertEquals(await conn.read(new Uint8Array(1)), null);
    assertEquals((await server.process.status).code, 0);
    assertStringIncludes(await server.log, "why=drain");
  });

  Deno.test(`a second ${signal} ends the server at once`, { ignore: !unix }, async () => {
    await using server = await startServer(["127.0.0.1:0", "--drain", "0"]);
    using conn = await dialPort(server.port);
    const { broken } = await flood(conn);
    server.process.kill(signal);
    await until(() => !accepts(server.port), "the server has stopped to accept");
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
  });
}

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

function accepts(port: number): boolean {
  try {
    // To listen succeeds only when nobody else does.
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return false;
  } catch {
    return true;
  }
}

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
  {
    await using server = await startServer(["127.0.0.1:0", "--log-level", "error"]);
    await converse(server.port, "hello");
    server.process.kill(unix ? "SIGTERM" : "SIGKILL");
    assertEquals(await server.log, "");
  }
  await using server = await startServer(["127.0.0.1:0", "--log-data", "text"]);
  await converse(server.port, 'say "hi" \x1b[2J\n');
  server.process.kill(unix ? "SIGTERM" : "SIGKILL");
  assertStringIncludes(
    await server.log,
    ' info read connection=1 bytes=14 data="say \\"hi\\" \\x1b[2J\\n"\n',
  );
});

Deno.test("a server whose log nobody reads goes on", { ignore: !linux }, async () => {
  const { stdout } = await shell(`
    exec 3< <(yodel serve 0 --log-data text 2> >(head -c 1 >/dev/null)); server=$!
    read -r address <&3
    for i in 1 2 3; do echo hello | yodel connect --verify "$address"; done
    kill $server; wait $server 2>/dev/null
  `);
  assertEquals(stdout, "hello\n".repeat(3));
});

Deno.test("a server whose log is not read for a while goes on", { ignore: !linux }, async () => {
  const folder = await Deno.makeTempDir();
  const result = await shell(`
    mkfifo ${folder}/log; exec 4<>${folder}/log
    exec 3< <(yodel serve 0 --log-data hex 2>${folder}/log); server=$!
    read -r address <&3
    head -c 20000000 /dev/zero | yodel connect --verify "$address" | wc -c
    kill $server; wait $server 2>/dev/null; echo $?
  `);
  assertEquals(result.stdout.split("\n").map((line) => line.trim()).slice(0, 2), [
    "20000000",
    "0",
  ]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a log that was not read for a while counts what it dropped, in a line of its form", {
  ignore: !linux,
}, async () => {
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

Deno.test("the server's memory stays flat while a client does not read", {
  ignore: !linux,
}, async () => {
  await using server = await startServer(["127.0.0.1:0", "--log-level", "error"]);
  const resident = () => {
    const status = Deno.readTextFileSync(`/proc/${server.process.pid}/status`);
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  };
  using conn = await dialPort(server.port);
  await exchange(conn, random(1000));
  const before = resident();
  let taken = 0;
  const flood = (async () => {
    while (taken < 1_000_000_000) taken += await conn.write(new Uint8Array(1_000_000));
  })().catch(() => {});
  await until(() => taken > 0, "the server takes something");
  // Others come and go meanwhile, until what the one could send has come to a halt.
  let last;
  do {
    last = taken;
    using other = await dialPort(server.port);
    await exchange(other, random(2_000_000));
  } while (taken > last);
  const grown = resident() - before;
  assert(grown < 50_000_000, `grown by ${grown} bytes`);
  conn.close();
  await flood.catch(() => {});
});

Deno.test({
  name: "on a terminal connect is interactive, and shows control characters as escapes",
  ignore: !available("script") || !linux,
  fn: async () => {
    await using server = await startServer(["127.0.0.1:0"]);
    const words = [...program, "connect", `${server.port}`].join(" ");
    const command = ["script", "--quiet", "--return", "--command", words, "/dev/null"];
    const child = new Deno.Command(command[0] ?? "", {
      args: command.slice(1),
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    const encoder = new TextEncoder();
    let screen = "";
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const part of child.stdout) screen += decoder.decode(part, { stream: true });
    })();
    // The terminal shows what is typed, and the answer comes when the line is complete.
    await writer.write(encoder.encode("hé\\llo\x07\n"));
    await until(() => screen.includes("hé\\llo\\x07\r\n"), "the answer is shown");
    await writer.write(encoder.encode("again\n"));
    await until(() => screen.match(/again/g)?.length === 2, "the second answer is shown");
    await writer.write(encoder.encode("\x04"));
    assertEquals((await child.status).code, 0);
    await writer.close().catch(() => {});
    await reading;
    assert(!screen.includes("\x07"), JSON.stringify(screen));
  },
});

Deno.test("deno task start passes arguments on, and signals too", { ignore: !unix }, async () => {
  await using server = await startServer(["127.0.0.1:0", "--log-level", "debug"], [
    Deno.execPath(),
    "task",
    "--quiet",
    "--cwd",
    root,
    "start",
  ]);
  const result = await yodel(["connect", "--verify", `${server.port}`], "hello");
  assertEquals(result.code, 0);
  server.process.kill("SIGINT");
  assertEquals((await server.process.status).code, 0);
  const log = await server.log;
  assertStringIncludes(log, " debug opened ");
  assertStringIncludes(log, " info stopped ");
  const refused = await run([...program, "connect", `127.0.0.1:${server.port}`]);
  assertEquals(refused.code, 2);
});
