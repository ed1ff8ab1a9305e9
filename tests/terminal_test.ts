/** What `yodel serve` shows on a terminal, and that the same in a pipe is as it was. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dialPort, exchange, flood, linux, random, until } from "./local.ts";
import { available, program, startServer, yodel } from "./program.ts";

const ignore = !available("script") || !linux;

/** `yodel serve` on a terminal. */
interface ServerOnTerminal extends AsyncDisposable {
  port: number;
  /** Presses a key. */
  press(key: string): Promise<void>;
  /** Waits until the screen has something. */
  shows(what: RegExp): Promise<void>;
  /** All that was on the screen, line by line, without colours. */
  lines(): string[];
  /** The same as it came. */
  raw(): string;
  /** Presses Ctrl-C until it ends, and returns its exit status. */
  interrupt(): Promise<number>;
}

/** Starts it on a terminal of 80 columns; `words` can redirect a stream. */
async function serveOnTerminal(words: string, env = "-u NO_COLOR"): Promise<ServerOnTerminal> {
  const command = `stty cols 80; exec env ${env} ${program.join(" ")} serve ${words}`;
  const child = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", command, "/dev/null"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  let screen = "";
  const reading = (async () => {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) screen += part;
  })();
  const keys = child.stdin.getWriter();
  // deno-lint-ignore no-control-regex
  const plain = () => screen.replace(/\x1b\[\d+m/g, "").replaceAll("\r", "");
  const shows = (what: RegExp) => until(() => what.test(plain()), `the screen shows ${what}`);
  const server: ServerOnTerminal = {
    port: 0,
    press: (key) => keys.write(new TextEncoder().encode(key)),
    shows,
    lines: () => plain().split("\n").slice(0, -1),
    raw: () => screen,
    async interrupt() {
      const press = () => server.press("\x03").catch(() => {});
      press();
      // What comes sooner than after 100 ms counts as the first once more.
      const again = setInterval(press, 50);
      const { code } = await child.status;
      clearInterval(again);
      return code;
    },
    async [Symbol.asyncDispose]() {
      await server.interrupt();
      await reading;
      await keys.close().catch(() => {});
    },
  };
  await shows(/127\.0\.0\.1:\d+\n/);
  server.port = Number(/127\.0\.0\.1:(\d+)/.exec(plain())?.[1]);
  return server;
}

Deno.test("on a terminal the log has the time of day, and says how others could reach the server", {
  ignore,
}, async () => {
  await using server = await serveOnTerminal("0");
  await server.shows(/other machines\n/);
  const endpoints = [`tcp://127.0.0.1:${server.port}`, `tcp://[::1]:${server.port}`];
  // stdout and stderr are written side by side.
  assertEquals(
    server.lines().map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} /, "")).toSorted(),
    [
      `info listening endpoints=${endpoints}`,
      "info listening on loopback only; use *:PORT to accept other machines",
      ...endpoints,
    ],
  );
  assertStringIncludes(server.raw(), "\r\x1b[2m");
  assertStringIncludes(server.raw(), "\x1b[0m \x1b[32minfo\x1b[0m listening ");
});

Deno.test("where others can reach the server, nothing says that they cannot", {
  ignore,
}, async () => {
  await using server = await serveOnTerminal("0.0.0.0:0 127.0.0.1:0");
  await server.press("\x03");
  await server.shows(/stopped/);
  const text = server.lines().join("\n");
  assertStringIncludes(text, "warn listening on all addresses");
  assertStringIncludes(server.raw(), " \x1b[33mwarn\x1b[0m ");
  assert(!text.includes("loopback only"), text);
});

Deno.test(
  "on a terminal a line has the fields that it has in a pipe, without colors for NO_COLOR",
  {
    ignore,
  },
  async () => {
    await using server = await serveOnTerminal("0", "NO_COLOR=1");
    using conn = await dialPort(server.port);
    await exchange(conn, random(1000));
    conn.close();
    await server.shows(/closed/);
    const closed = server.lines().find((line) => line.includes("closed")) ?? "";
    assertMatch(
      closed,
      /^\d\d:\d\d:\d\d\.\d{3} info closed connection=1 peer=127\.0\.0\.1:\d+ endpoint=tcp:\S+ received_bytes=1000 sent_bytes=1000 duration_ms=\d+ why=eof$/,
    );
    assert(!server.raw().includes("\x1b"), JSON.stringify(server.raw()));
  },
);

Deno.test("on a terminal Ctrl-C drains the server, and Ctrl-C again ends it", {
  ignore,
}, async () => {
  await using server = await serveOnTerminal("0 --drain 90s");
  using conn = await dialPort(server.port);
  const { broken } = await flood(conn);
  await server.press("\x03");
  // Over the ^C of the terminal.
  await server.shows(/\n(\^C)?\d\d:\S+ info draining connections=1\n/);
  // At the end of the drain it would be 0.
  assertEquals(await server.interrupt(), 130);
  await broken;
});

Deno.test("what of stdout and log goes elsewhere is as in a pipe", { ignore }, async () => {
  const folder = await Deno.makeTempDir();
  {
    await using server = await serveOnTerminal(`127.0.0.1:0 2>${folder}/log`);
    assertEquals(await server.interrupt(), 0);
    assertEquals(server.lines()[0], `tcp://127.0.0.1:${server.port}`);
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
    await server.press("\x03");
    await server.shows(/stopped/);
    const lines = server.lines().map((line) => line.replace(/^\^C/, ""));
    const log = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    assertEquals([log[0], log.at(-1)].map(({ message }) => message), ["listening", "stopped"]);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("--log-data hex tells connections apart and counts along each, a line a read", async () => {
  await using server = await startServer(["127.0.0.1:0", "--log-data", "hex"]);
  using one = await dialPort(server.port);
  await exchange(one, new TextEncoder().encode("first of one"));
  using two = await dialPort(server.port);
  await exchange(two, new TextEncoder().encode("of two"));
  await exchange(one, new TextEncoder().encode("\x1b]0;x"));
  server.process.kill("SIGTERM");
  const reads = (await server.log).split("\n").filter((line) => line.includes(" read "));
  assertEquals(reads.map((line) => line.replace(/^\S+Z info read /, "")), [
    "connection=1 bytes=12 offset=0 data=6669727374206f66206f6e65",
    "connection=2 bytes=6 offset=0 data=6f662074776f",
    "connection=1 bytes=5 offset=12 data=1b5d303b78",
  ]);
});

Deno.test("--log-data hex in JSON has digits, and where they stand", async () => {
  const words = ["127.0.0.1:0", "udp://127.0.0.1:0", "--log-data", "hex", "--log-format", "json"];
  await using server = await startServer(words);
  for (const endpoint of server.endpoints) await yodel(["connect", endpoint], "\x00\xff");
  server.process.kill("SIGTERM");
  const lines = (await server.log).trimEnd().split("\n").map((line) => JSON.parse(line));
  const read = lines.filter(({ message }) => message === "read" || message === "datagram");
  assertEquals(read.map(({ bytes, offset, data }) => ({ bytes, offset, data })), [
    { bytes: 3, offset: 0, data: "00c3bf" },
    { bytes: 3, offset: 0, data: "00c3bf" },
  ]);
});
