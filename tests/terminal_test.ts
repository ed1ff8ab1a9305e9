/** What `yodel serve` shows on a terminal, and that the same in a pipe is as it was. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hexDump, terminalLine, textLine } from "../cli/log_lines.ts";
import type { LogFields } from "../server.ts";
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

const CLOCK = String.raw`\d\d:\d\d:\d\d\.\d{3}`;

Deno.test("on a terminal each endpoint is seen once, and how others could reach it", {
  ignore,
}, async () => {
  await using server = await serveOnTerminal("0");
  await server.shows(/for others\n/);
  const { port } = server;
  const [first, second, third = "", ...rest] = server.lines();
  assertEquals([first, second], [`tcp://127.0.0.1:${port}`, `tcp://[::1]:${port}`]);
  assertMatch(
    third,
    new RegExp(String.raw`^${CLOCK} info only this machine; \*:${port} for others$`),
  );
  assertEquals(rest, []);
  assertStringIncludes(server.raw(), " \x1b[32minfo\x1b[0m only");
});

Deno.test("where others can reach the server, nothing says that they cannot", {
  ignore,
}, async () => {
  await using server = await serveOnTerminal("0.0.0.0:0 127.0.0.1:0");
  await server.press("\x03");
  await server.shows(/stopped/);
  const told = server.lines().join("\n");
  assertStringIncludes(told, "warn listening on all addresses");
  assertStringIncludes(server.raw(), " \x1b[33mwarn\x1b[0m ");
  assert(!told.includes("only this machine"), told);
});

Deno.test("on a terminal the line of a connection fits, in black and white with NO_COLOR", {
  ignore,
}, async () => {
  await using server = await serveOnTerminal("0 --log-level debug", "NO_COLOR=1");
  using conn = await dialPort(server.port);
  await exchange(conn, random(1000));
  conn.close();
  await server.shows(/closed/);
  const closed = server.lines().find((line) => line.includes("closed")) ?? "";
  assertMatch(
    closed,
    new RegExp(
      String
        .raw`^${CLOCK} info closed #1 127\.0\.0\.1:\d+ tcp:${server.port} bytes=1000 \d+\.\d{3}s eof$`,
    ),
  );
  assertEquals(server.lines().filter((line) => line.length > 80), []);
  assert(!server.raw().includes("\x1b"), JSON.stringify(server.raw()));
});

Deno.test("on a terminal draining says how long it may take, and Ctrl-C again ends it", {
  ignore,
}, async () => {
  await using server = await serveOnTerminal("0 --drain 90s");
  using conn = await dialPort(server.port);
  const { broken } = await flood(conn);
  await server.press("\x03");
  await server.shows(/ info draining 1 connection, up to 90s; Ctrl-C again ends it now\n/);
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
    assert(!server.raw().includes("only this machine"), server.raw());
    assertMatch(
      await Deno.readTextFile(`${folder}/log`),
      /^\d{4}-\d\d-\d\dT\S+Z info listening endpoints=tcp:\S+\n\S+Z info stopped connections=0\n$/,
    );
  }
  {
    await using server = await serveOnTerminal(`127.0.0.1:0 >${folder}/endpoints`);
    await server.shows(/for others\n/);
    assertMatch(server.lines()[0] ?? "", /info listening tcp:\/\/127\.0\.0\.1:\d+$/);
    assertEquals(
      await Deno.readTextFile(`${folder}/endpoints`),
      `tcp://127.0.0.1:${server.port}\n`,
    );
  }
  {
    await using server = await serveOnTerminal("127.0.0.1:0 --log-format json");
    await server.press("\x03");
    await server.shows(/stopped/);
    const told = server.lines().map((line) => line.replace(/^\^C/, ""));
    const log = told.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    assertEquals(log.map(({ message }) => message), ["listening", "stopped"]);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("on a terminal a long line is broken between words, and controls are escaped", () => {
  const entry = {
    time: new Date(2026, 0, 2, 3, 4, 5, 6),
    level: "warn",
    message: "not answered",
    fields: {
      peer: "[2001:db8::1]:40312",
      endpoint: "udp://[2001:db8::2]:7000",
      why: "the same again and again\x1b[2J",
      data: "a  b ".repeat(20),
    },
  } as const;
  assertEquals(
    terminalLine(entry, 60, false),
    "\r03:04:05.006 warn not answered [2001:db8::1]:40312 udp:7000\n" +
      '             "the same again and again\\x1b[2J"\n' +
      `             "${"a  b ".repeat(20)}"`,
  );
  assertEquals(
    terminalLine({ ...entry, fields: {} }, 60, true),
    "\r\x1b[2m03:04:05.006\x1b[0m \x1b[33mwarn\x1b[0m not answered",
  );
});

Deno.test("on a terminal details are shortened, but not where they differ", () => {
  const line = (fields: LogFields) =>
    terminalLine({ time: new Date(), level: "warn", message: "closed", fields }, 80, false);
  const unfinished = { received_bytes: 10, sent_bytes: 7, duration_ms: 61_042, why: "drain" };
  assertMatch(line(unfinished), / warn closed in=10 out=7 61\.042s drain$/);
  assertMatch(
    line({ peer: "[::ffff:10.0.0.5]:40312", endpoint: "tcp://[::]:2222" }),
    / closed 10\.0\.0\.5:40312 tcp:2222$/,
  );
  assertMatch(line({ peer: "unix", endpoint: "unix:/tmp/echo.sock" }), / closed unix:\/tmp\/echo/);
});

Deno.test("a hex dump has the offset, 16 bytes a line and what is printable of them", () => {
  const bytes = new TextEncoder().encode("hello world\n\x1b[31m|é");
  assertEquals(hexDump(bytes, 0x1f0), [
    "0001f0  68 65 6c 6c 6f 20 77 6f  72 6c 64 0a 1b 5b 33 31 |hello world..[31|",
    "000200  6d 7c c3 a9                                      |m|..|",
  ]);
  assertEquals(hexDump(new Uint8Array(), 0), []);
});

Deno.test("a dump says what it leaves out", () => {
  const fields = { connection: 12, bytes: 300, offset: 16, data: "61".repeat(256) + "…" };
  const time = new Date();
  const lines = textLine({ time, level: "info", message: "read", fields }).split("\n");
  assertEquals(lines[0], `${time.toISOString()} info read connection=12 bytes=300`);
  assertEquals(lines.length, 1 + 16 + 1);
  assertEquals(lines[1]?.length, 79);
  assertEquals(lines.at(-1), "#12 000110  … 44 bytes more");
});

Deno.test("--log-data hex tells connections apart and counts along each", async () => {
  await using server = await startServer(["127.0.0.1:0", "--log-data", "hex"]);
  using one = await dialPort(server.port);
  await exchange(one, new TextEncoder().encode("first of one"));
  using two = await dialPort(server.port);
  await exchange(two, new TextEncoder().encode("of two"));
  await exchange(one, new TextEncoder().encode("\x1b]0;x"));
  server.process.kill("SIGTERM");
  const log = await server.log;
  const dumps = log.split("\n").filter((line) => line.startsWith("#"));
  assertEquals(dumps.map((line) => line.replace(/ {2}.* \|/, " |").replace(/\|$/, "")), [
    "#1 000000 |first of one",
    "#2 000000 |of two",
    "#1 00000c |.]0;x",
  ]);
  assertMatch(log, /\n\S+Z info read connection=2 bytes=6\n#2 000000 {2}6f 66 20 74 77 6f /);
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
