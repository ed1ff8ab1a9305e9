import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Command, commandNames, commands } from "../cli/commands.ts";
import { commandHelp, programHelp } from "../cli/help.ts";
import { parseEndpoints, parseInvocation } from "../cli/parse.ts";
import config from "../deno.json" with { type: "json" };
import { yodel } from "./program.ts";

Deno.test("flags have the documented defaults, and nothing given means localhost:2222", () => {
  assertEquals(parseInvocation(commands.serve, []), {
    flags: {
      "idle-timeout": 60_000,
      "backlog": 511,
      "max-connections": 0,
      "drain": 5_000,
      "cert": "",
      "key": "",
      "client-ca": "",
      "write-ca": "",
      "socket-mode": 0o600,
      "log-level": "info",
      "log-format": "text",
      "log-data": "off",
    },
    given: new Set<string>(),
    operands: [],
  });
  assertEquals(parseEndpoints([], 0), [{ scheme: "tcp", host: "localhost", port: 2222 }]);
  assertEquals(parseInvocation(commands.connect, []).flags, {
    "timeout": 10_000,
    "idle-timeout": 0,
    "datagram-size": 0,
    "ca": "",
    "cert": "",
    "key": "",
    "server-name": "",
    "insecure": false,
    "verify": false,
  });
});

Deno.test("flags and endpoints may come in any order, and a flag's last value counts", () => {
  const { flags, operands } = parseInvocation(commands.serve, [
    "9000",
    "--drain=250ms",
    "[::1]:9001",
    "--idle-timeout",
    "1s",
    "--idle-timeout",
    "1.5m",
    "--",
    "9002",
  ]);
  assertEquals(flags["drain"], 250);
  assertEquals(flags["idle-timeout"], 90_000);
  assertEquals(operands, ["9000", "[::1]:9001", "9002"]);
  assertEquals(parseInvocation(commands.connect, ["--verify", "9000"]).flags["verify"], true);
});

for (
  const [args, complaint] of [
    [[], "no command; expected one of serve, connect, ping, load, completions, or --help"],
    [["srve"], 'unknown command "srve"; did you mean serve?'],
    [["--versoin"], 'unknown flag "--versoin"; did you mean --version?'],
    [["serve", "-x"], 'unknown flag "-x"; see --help'],
    [["serve", "--idle-timout=5s"], 'unknown flag "--idle-timout"; did you mean --idle-timeout?'],
    [["serve", "--no-drain"], 'unknown flag "--no-drain"; did you mean --drain?'],
    [
      ["serve", "--idle-timeout", "ten"],
      '--idle-timeout: expected a duration such as 250ms, 1.5s or 2m (24 days at most), or 0, not "ten"',
    ],
    [
      ["serve", "--drain"],
      "--drain: expected a duration such as 250ms, 1.5s or 2m (24 days at most), or 0, not nothing",
    ],
    [
      ["serve", "--drain", "999999m"],
      '--drain: expected a duration such as 250ms, 1.5s or 2m (24 days at most), or 0, not "999999m"',
    ],
    [
      ["serve", "--log-level", "loud"],
      '--log-level: expected one of debug, info, warn, error, not "loud"',
    ],
    [
      ["serve", "--socket-mode", "rw"],
      '--socket-mode: expected permissions in octal such as 0600, not "rw"',
    ],
    [
      ["serve", "--backlog", "0"],
      '--backlog: expected a whole number from 1 to 2147483647, not "0"',
    ],
    [
      ["serve", "--max-connections", "-1"],
      "--max-connections: expected a whole number from 0 to 2147483647, not nothing",
    ],
    [["serve", "--verify"], 'unknown flag "--verify"; it belongs to yodel connect'],
    [["connect", "--verify=false"], '--verify: expected no value, not "false"'],
    [
      ["connect", "99999"],
      'endpoint "99999": expected [tcp://|tls://|udp://][HOST:]PORT or unix:PATH, PORT from 1 to 65535',
    ],
    [["serve", "tls://:0", "--cert"], "--cert: expected a file, not nothing"],
    [["serve", "tls://:0", "--cert", "c.pem"], "--cert and --key go together"],
    [["connect", "9000", "--insecure"], "--insecure: expected a tls:// endpoint with it"],
    [["completions"], "completions: expected one of bash, zsh, fish, not nothing"],
    [["completions", "tcsh"], 'completions: expected one of bash, zsh, fish, not "tcsh"'],
    [
      ["connect", "0"],
      'endpoint "0": expected [tcp://|tls://|udp://][HOST:]PORT or unix:PATH, PORT from 1 to 65535',
    ],
    [["connect", "1", "2"], 'unexpected argument "2"; expected [ENDPOINT]'],
  ] as const
) {
  Deno.test(`yodel ${args.join(" ")}: says in one line what is wrong`, async () => {
    assertEquals(await yodel(args), { code: 2, stdout: "", stderr: `yodel: ${complaint}\n` });
  });
}

Deno.test("the help names every command and flag, in 80 columns, after an example", async () => {
  assertEquals(await yodel(["--help"]), { code: 0, stdout: programHelp(), stderr: "" });
  for (const name of commandNames) {
    const command: Command = commands[name];
    const help = commandHelp(name);
    assertEquals(await yodel([name, "--help"]), { code: 0, stdout: help, stderr: "" });
    for (const flag of Object.keys(command.flags)) assertStringIncludes(help, `--${flag}`);
    assertStringIncludes(programHelp(), `yodel ${name}`);
    for (const line of (help + programHelp()).split("\n")) assert(line.length <= 80, line);
    assertMatch(help, new RegExp(`^Example:\\n  .*yodel ${name} `));
  }
});

Deno.test("--version prints the version of deno.json", async () => {
  const result = await yodel(["--version"]);
  assertEquals(result, { code: 0, stdout: `yodel ${config.version}\n`, stderr: "" });
});
