import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { isToggle } from "../cli/command.ts";
import { commands } from "../cli/commands.ts";
import { connectCommand } from "../cli/commands/connect.ts";
import { serveCommand } from "../cli/commands/serve.ts";
import { commandHelp, programHelp } from "../cli/help.ts";
import { parseInvocation } from "../cli/parse.ts";
import config from "../deno.json" with { type: "json" };
import { formatEndpoint } from "../net/endpoint.ts";
import { shell, yodel } from "./program.ts";

/** The defaults that the help shows, by the names of the flags. */
function defaultsOf(name: string): Record<string, string> {
  const flags = Object.entries(commands[name]?.flags ?? {});
  return Object.fromEntries(
    flags.map(([name, flag]) => {
      return [name, flag.default === undefined ? "" : flag.kind.format(flag.default)];
    }),
  );
}

Deno.test("flags have the documented defaults, and nothing given means localhost:2222", () => {
  assertEquals(defaultsOf("serve"), {
    "idle-timeout": "60s",
    "backlog": "511",
    "max-connections": "0",
    "drain": "5s",
    "cert": "",
    "key": "",
    "client-ca": "",
    "write-ca": "",
    "cert-name": "",
    "socket-mode": "0600",
    "log-level": "info",
    "log-format": "text",
    "log-data": "off",
  });
  assertEquals(defaultsOf("connect"), {
    "timeout": "10s",
    "idle-timeout": "0",
    "datagram-size": "0",
    "ca": "",
    "cert": "",
    "key": "",
    "server-name": "",
    "insecure": "",
    "verify": "",
  });
  const { flags, endpoints } = parseInvocation(serveCommand, []);
  const { "cert-name": names, ...others } = flags;
  assertEquals([names, ...new Set(Object.values(others))], [[], undefined]);
  assertEquals(endpoints, [{ scheme: "tcp", host: "localhost", port: 2222 }]);
});

Deno.test("a default is written so that it can be given", () => {
  for (const { flags } of Object.values(commands)) {
    for (const [name, flag] of Object.entries(flags)) {
      if (isToggle(flag) || flag.default === undefined) continue;
      assertEquals(flag.kind.parse(flag.kind.format(flag.default)), flag.default, name);
    }
  }
});

Deno.test("flags and endpoints may come in any order, and a flag's last value counts", () => {
  const { flags, endpoints } = parseInvocation(serveCommand, [
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
  assertEquals(endpoints.map(formatEndpoint), [
    "tcp://localhost:9000",
    "tcp://[::1]:9001",
    "tcp://localhost:9002",
  ]);
  assertEquals(parseInvocation(connectCommand, ["--verify", "9000"]).flags["verify"], true);
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
    [
      ["serve", "--idle-timeout", "5s", "--idle-timeout.x=1"],
      'unknown flag "--idle-timeout.x"; did you mean --idle-timeout?',
    ],
    [["connect", "--verify.x"], 'unknown flag "--verify.x"; did you mean --verify?'],
    [["serve", `--${"a".repeat(70_000)}`], `unknown flag "--${"a".repeat(70_000)}"; see --help`],
    [["serve", "--socket-mode", "0600"], "--socket-mode: expected a unix: endpoint with it"],
    [["ping", "udp://:1", "--ca", "ca.pem"], "--ca: expected a tls:// endpoint with it"],
    [
      ["connect", "9000", "--datagram-size", "5"],
      "--datagram-size: expected a udp:// endpoint with it",
    ],
    [["completions"], "completions: expected one of bash, zsh, fish, not nothing"],
    [["completions", "tcsh"], 'completions: expected one of bash, zsh, fish, not "tcsh"'],
    [
      ["connect", "0"],
      'endpoint "0": expected [tcp://|tls://|udp://][HOST:]PORT or unix:PATH, PORT from 1 to 65535',
    ],
    [["connect", "1", "2"], 'unexpected argument "2"; expected [ENDPOINT]'],
  ] as const
) {
  Deno.test(`yodel ${args.join(" ").slice(0, 60)}: says in one line what is wrong`, async () => {
    assertEquals(await yodel(args), { code: 2, stdout: "", stderr: `yodel: ${complaint}\n` });
  });
}

Deno.test("the help names every command and flag, in 80 columns, after an example", async () => {
  assertEquals(await yodel(["--help"]), { code: 0, stdout: programHelp(), stderr: "" });
  for (const [name, command] of Object.entries(commands)) {
    const help = commandHelp(name, command);
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

for (
  const [args, status] of [
    [["connect", "--what"], 2],
    [["connect", "127.0.0.1:1"], 2],
    [["serve", "192.0.2.1:1"], 2],
  ] as const
) {
  Deno.test(`yodel ${args.join(" ")}: has its status where stderr cannot be written, too`, {
    ignore: Deno.build.os !== "linux",
  }, async () => {
    const { code } = await shell(`yodel ${args.join(" ")} 2>/dev/full </dev/null`);
    assertEquals(code, status);
  });
}
