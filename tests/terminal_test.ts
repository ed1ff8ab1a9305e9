/** What `yodel serve` and `yodel connect` show on a terminal. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dialPort, exchange, flood, random, startLocal } from "./local.ts";
import { program } from "./program.ts";
import { onTerminal, openTerminal, type Terminal } from "./terminal.ts";

/** Starts `yodel serve` on a terminal; `words` can redirect a stream. */
async function serveOnTerminal(
  words: string,
  env = "-u NO_COLOR",
): Promise<Terminal & { port: number }> {
  const terminal = openTerminal(`exec env ${env} ${program.join(" ")} serve ${words}`);
  await terminal.shows(/127\.0\.0\.1:\d+\n/);
  return { ...terminal, port: Number(/127\.0\.0\.1:(\d+)/.exec(terminal.screen())?.[1]) };
}

Deno.test("the log has the time of day, and how others reach the server", onTerminal, async () => {
  await using server = await serveOnTerminal("0");
  await server.shows(/other machines\n/);
  const endpoints = [`tcp://127.0.0.1:${server.port}`, `tcp://[::1]:${server.port}`];
  // stdout and stderr are written side by side.
  assertEquals(
    server.screen().trimEnd().replace(/^\d\d:\d\d:\d\d\.\d{3} /gm, "").split("\n").toSorted(),
    [
      `info listening endpoints=${endpoints}`,
      "info on loopback only; use '*:PORT' to accept other machines",
      ...endpoints,
    ],
  );
  assertStringIncludes(server.raw(), "\r\x1b[2m");
  assertStringIncludes(server.raw(), "\x1b[0m \x1b[32minfo\x1b[0m listening ");
});

Deno.test("a server on all addresses does not claim loopback only", onTerminal, async () => {
  await using server = await serveOnTerminal("0.0.0.0:0 127.0.0.1:0");
  await server.type("\x03");
  await server.shows(/stopped/);
  assertStringIncludes(server.screen(), "warn listening on all addresses");
  assertStringIncludes(server.raw(), " \x1b[33mwarn\x1b[0m ");
  assert(!server.screen().includes("loopback only"), server.screen());
});

Deno.test("NO_COLOR leaves colours out; a second Ctrl-C ends the drain", onTerminal, async () => {
  await using server = await serveOnTerminal("0 --drain 90s", "NO_COLOR=1");
  {
    using conn = await dialPort(server.port);
    await exchange(conn, random(1000));
  }
  await server.shows(/closed/);
  assertMatch(
    server.screen(),
    /^\d\d:\d\d:\d\d\.\d{3} info closed connection=1 peer=127\.0\.0\.1:\d+ endpoint=tcp:\S+ received_bytes=1000 sent_bytes=1000 duration_ms=\d+ why=eof$/m,
  );
  using conn = await dialPort(server.port);
  const { broken } = await flood(conn);
  await server.type("\x03");
  await server.shows(/^\d\d:\S+ info draining connections=1$/m);
  // At the end of the drain it would be 0.
  assertEquals(await server.interrupt(), 130);
  await broken;
  assert(!server.raw().includes("\x1b"), JSON.stringify(server.raw()));
});

Deno.test("many connections that end have one line, with their sums", onTerminal, async () => {
  await using server = await serveOnTerminal("0");
  const conns = await Promise.all(Array.from({ length: 60 }, () => dialPort(server.port)));
  for (const conn of conns) await exchange(conn, random(10));
  for (const conn of conns) conn.close();
  await server.shows(/closed more/);
  await server.type("\x03");
  await server.shows(/stopped connections=60/);
  const closed = server.screen().split("\n").filter((line) => line.includes(" closed "));
  const sum = (key: string) =>
    closed.reduce((sum, line) => {
      const usual = line.includes(" closed connection=") ? 1 : 0;
      return sum + Number(RegExp(` ${key}=(\\d+)`).exec(line)?.[1] ?? usual);
    }, 0);
  assert(closed.length < 20, `${closed.length} lines`);
  assertEquals(["connections", "received_bytes", "sent_bytes", "eof"].map(sum), [60, 600, 600, 60]);
});

Deno.test("a log or stdout that goes elsewhere is as in a pipe", onTerminal, async () => {
  const folder = await Deno.makeTempDir();
  {
    await using server = await serveOnTerminal(`127.0.0.1:0 2>${folder}/log`);
    assertEquals(await server.interrupt(), 0);
    assertEquals(server.screen().split("\n")[0], `tcp://127.0.0.1:${server.port}`);
    assertMatch(
      await Deno.readTextFile(`${folder}/log`),
      /^\d{4}-\d\d-\d\dT\S+Z info listening endpoints=tcp:\S+\n\S+Z info stopped connections=0\n$/,
    );
  }
  {
    await using server = await serveOnTerminal(`127.0.0.1:0 >${folder}/endpoints`);
    await server.shows(/other machines\n/);
    assertEquals(
      await Deno.readTextFile(`${folder}/endpoints`),
      `tcp://127.0.0.1:${server.port}\n`,
    );
  }
  {
    await using server = await serveOnTerminal("127.0.0.1:0 --log-format json");
    await server.type("\x03");
    await server.shows(/stopped/);
    const log = server.screen().match(/\{.*\}$/gm)?.map((line) => JSON.parse(line)) ?? [];
    assertEquals([log[0], log.at(-1)].map(({ message }) => message), ["listening", "stopped"]);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("connect is interactive, and shows controls as escapes", onTerminal, async () => {
  await using server = await startLocal();
  await using terminal = openTerminal([...program, "connect", `${server.port}`].join(" "));
  // The terminal shows what is typed, and the answer comes when the line is complete.
  await terminal.type("hé\\llo\x07\n");
  await terminal.shows(/hé\\llo\\x07\n/);
  await terminal.type("again\n");
  await terminal.shows(/again[^]*again/);
  await terminal.type("\x04");
  assertEquals(await terminal.ended, 0);
  assert(!terminal.raw().includes("\x07"), JSON.stringify(terminal.raw()));
});
