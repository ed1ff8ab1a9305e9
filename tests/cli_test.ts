import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { commands } from "../cli/commands.ts";
import { connectCommand } from "../cli/commands/connect.ts";
import { serveCommand } from "../cli/commands/serve.ts";
import { commandHelp, defaultText, programHelp } from "../cli/commands/help.ts";
import { parseInvocation } from "../cli/parse.ts";
import config from "../deno.json" with { type: "json" };
import { EXIT_STATUSES } from "../cli/exit.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { TRANSPORTS } from "../net/transports.ts";
import { runHere } from "./in_process.ts";
import { onLinux } from "./machine.ts";
import { program, run, shell } from "./program.ts";

Deno.test("without arguments serve listens on localhost:2222", () => {
  const { flags, endpoints } = parseInvocation(serveCommand, []);
  const given = Object.values(flags).flat().filter((value) => value !== undefined);
  assertEquals([given, endpoints], [[], [{ scheme: "tcp", host: "localhost", port: 2222 }]]);
});

Deno.test("a default is written so that it can be given", () => {
  for (const { flags } of Object.values(commands)) {
    for (const [name, flag] of Object.entries(flags)) {
      const text = defaultText(flag);
      if (text !== undefined) assertEquals(flag.type.parse(text), flag.default, name);
    }
  }
});

Deno.test("flags and endpoints may come in any order, and a flag's last value counts", () => {
  const words = "9000 --drain=250ms [::1]:9001 --idle-timeout 1s --idle-timeout 1.5m -- 9002";
  const { flags, endpoints } = parseInvocation(serveCommand, words.split(" "));
  assertEquals([flags.drain, flags.idleTimeout], [250, 90_000]);
  const expected = "tcp://localhost:9000 tcp://[::1]:9001 tcp://localhost:9002";
  assertEquals(endpoints.map(formatEndpoint).join(" "), expected);
  assertEquals(parseInvocation(connectCommand, ["--verify", "9000"]).flags.verify, true);
});

Deno.test("the help names every command and flag, in 80 columns, between usage and example", async () => {
  assertEquals(await runHere(["--help"]), { code: 0, stdout: programHelp(commands), stderr: "" });
  for (const [name, command] of Object.entries(commands)) {
    const help = commandHelp(name, command);
    assertEquals(await runHere([name, "--help"]), { code: 0, stdout: help, stderr: "" });
    const flags = Object.entries(command.flags);
    for (const [flag, { many, type }] of flags) {
      assertStringIncludes(help, `--${flag} ${type.placeholder}${many ? " ..." : ""}`.trimEnd());
    }
    assertStringIncludes(programHelp(commands), `yodel ${name}`);
    for (const line of (help + programHelp(commands)).split("\n")) assert(line.length <= 80, line);
    assertMatch(
      help,
      new RegExp(`^Usage: yodel ${name} .*Example:\\n  .*yodel ${name} .*\\n$`, "s"),
    );
    assertEquals(/^ +[;(].*$/m.exec(help), null, "a default or a transport on a line of its own");
  }
});

Deno.test("-h fits a terminal of 24 lines and 80 columns, with five to ten flags", async () => {
  for (const words of [[], ...Object.keys(commands).map((name) => [name])]) {
    const { code, stdout, stderr } = await runHere([...words, "-h"]);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const lines = stdout.split("\n");
    // The prompt of the shell is below it.
    assert(lines.length <= 24, `${words} has ${lines.length} lines`);
    assertEquals(lines.filter((line) => line.length > 80 || /^ +[;(]/.test(line)), []);
    assertMatch(stdout, /^Usage: yodel .*\n\n.*Example/s);
    const shown = lines.filter((line) => /^ +-/.test(line)).length;
    const { flags = {}, common = [] } = commands[words[0] ?? ""] ?? {};
    assertEquals(shown, common.length);
    if (Object.keys(flags).length > 0) assert(shown >= 5 && shown <= 10, `${words} has ${shown}`);
  }
});

Deno.test("help endpoints and help exit list all schemes and exit statuses, in 24 lines", async () => {
  const { stdout: endpoints } = await runHere(["help", "endpoints"]);
  for (const { prefix } of Object.values(TRANSPORTS)) {
    assertStringIncludes(endpoints, `\n  ${prefix}`);
  }
  const { stdout: statuses } = await runHere(["help", "exit"]);
  for (const [status, when] of EXIT_STATUSES) {
    assertMatch(statuses, new RegExp(`\n  ${status} +${when}\n`));
  }
  for (const text of [endpoints, statuses]) {
    const lines = text.split("\n");
    assert(lines.length <= 24 && lines.every(({ length }) => length <= 80), text);
  }
});

Deno.test("--version, -V and version print the version of deno.json", async () => {
  const expected = { code: 0, stdout: `yodel ${config.version}\n`, stderr: "" };
  for (const word of ["--version", "-V", "version"]) assertEquals(await runHere([word]), expected);
});

Deno.test("help says the same as --help, and without arguments the help is on stderr", async () => {
  assertEquals((await runHere(["help"])).stdout, programHelp(commands));
  assertEquals((await runHere(["help", "serve"])).stdout, commandHelp("serve", serveCommand));
  assertEquals(await runHere([]), { code: 2, stdout: "", stderr: programHelp(commands) });
});

Deno.test("the status is right where stderr cannot be written", onLinux, async () => {
  const { stdout } = await shell(
    `for words in "connect --what" "connect 127.0.0.1:1" "serve 192.0.2.1:1"
    do yodel $words 2>/dev/full </dev/null; echo $?; done`,
  );
  assertEquals(stdout, "2\n2\n2\n");
});

Deno.test("a Deno that is too old is one line with the version that is needed, for any command", async () => {
  const withDeno = (version: string) => {
    const pretend = `Object.defineProperty(Deno, "version", { value: { deno: "${version}" } })`;
    return program.toSpliced(2, 0, `--preload=data:text/javascript,${encodeURI(pretend)}`);
  };
  for (const args of [["serve", "tls://:0"], ["--version"]]) {
    assertEquals(await run([...withDeno("2.8.9"), ...args]), {
      code: 2,
      stdout: "",
      stderr: "yodel requires Deno 2.9 or later, and this is 2.8.9; " +
        "run deno upgrade, or npm install --global deno@latest\n",
    });
  }
  assertEquals((await run([...withDeno("2.10.0"), "--version"])).code, 0);
});

Deno.test("without a permission of Deno a line says which one is needed", async () => {
  const needs = (right: string) => `Deno requires --allow-${right}`;
  const cases = [
    ["read", "load --merge a.json", `--merge: cannot read a.json: ${needs("read")}`],
    ["read", "load :1 --workers 2", "cannot start a thread without --allow-read"],
    [
      "write",
      "serve tls://127.0.0.1:0 --write-ca a.pem",
      `--write-ca: cannot write a.pem: ${needs("write")}`,
    ],
    ["net", "connect 127.0.0.1:1", `cannot connect to tcp://127.0.0.1:1: ${needs("net")}`],
  ] as const;
  for (const [right, words, message] of cases) {
    const command = program.filter((word) => word !== `--allow-${right}`);
    const stderr = `yodel: ${message}\n`;
    assertEquals(await run([...command, ...words.split(" ")]), { code: 2, stdout: "", stderr });
  }
});
