import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { isToggle } from "../cli/command.ts";
import { commands } from "../cli/commands.ts";
import { connectCommand } from "../cli/commands/connect.ts";
import { serveCommand } from "../cli/commands/serve.ts";
import { commandHelp, programHelp } from "../cli/help.ts";
import { parseInvocation } from "../cli/parse.ts";
import config from "../deno.json" with { type: "json" };
import { formatEndpoint } from "../net/endpoint.ts";
import { faults } from "../server/faults/faults.ts";
import { formatValue } from "../values/value_types.ts";
import { runHere } from "./in_process.ts";
import { program, run, shell } from "./program.ts";

/** The defaults that the help shows, by the names of the flags. */
function defaultsOf(name: string): Record<string, string> {
  const flags = Object.entries(commands[name]?.flags ?? {});
  return Object.fromEntries(
    flags.map(([name, flag]) => {
      return [name, flag.default === undefined ? "" : formatValue(flag.type, flag.default)];
    }),
  );
}

Deno.test("flags have the documented defaults, and nothing given means localhost:2222", () => {
  assertEquals(defaultsOf("serve"), {
    "idle-timeout": "60s",
    "backlog": "511",
    "max-connections": "0",
    "max-per-client": "0",
    "udp-rate": "0",
    "workers": "1",
    "drain": "5s",
    "cert": "",
    "key": "",
    "client-ca": "",
    "write-ca": "",
    "cert-name": "",
    "socket-mode": "0600",
    "allow": "",
    "deny": "",
    "fault": "",
    "seed": "",
    "log-level": "info",
    "log-format": "text",
    "log-data": "off",
    "metrics": "",
  });
  assertEquals(defaultsOf("connect"), {
    "timeout": "10s",
    "idle-timeout": "0",
    "ca": "",
    "cert": "",
    "key": "",
    "server-name": "",
    "insecure": "",
    "verify": "",
    "verbose": "",
    "wait": "0",
    "ipv4": "",
    "ipv6": "",
  });
  const { flags, endpoints } = parseInvocation(serveCommand, []);
  const { certName: names, fault, allow, deny, ...others } = flags;
  const lists = [names, fault, allow, deny];
  assertEquals([...lists, ...new Set(Object.values(others))], [[], [], [], [], undefined]);
  assertEquals(endpoints, [{ scheme: "tcp", host: "localhost", port: 2222 }]);
});

Deno.test("a default is written so that it can be given", () => {
  for (const { flags } of Object.values(commands)) {
    for (const [name, flag] of Object.entries(flags)) {
      if (isToggle(flag) || flag.default === undefined) continue;
      assertEquals(flag.type.parse(formatValue(flag.type, flag.default)), flag.default, name);
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
  assertEquals(flags.drain, 250);
  assertEquals(flags.idleTimeout, 90_000);
  assertEquals(endpoints.map(formatEndpoint), [
    "tcp://localhost:9000",
    "tcp://[::1]:9001",
    "tcp://localhost:9002",
  ]);
  assertEquals(parseInvocation(connectCommand, ["--verify", "9000"]).flags.verify, true);
});

Deno.test("the help names every command and flag, in 80 columns, after an example", async () => {
  assertEquals(await runHere(["--help"]), { code: 0, stdout: programHelp(commands), stderr: "" });
  for (const [name, command] of Object.entries(commands)) {
    const help = commandHelp(name, command);
    assertEquals(await runHere([name, "--help"]), { code: 0, stdout: help, stderr: "" });
    const flags = Object.entries(command.flags);
    for (const [flag] of flags) assertStringIncludes(help, `--${flag}`);
    const repeated = flags.filter(([, { many }]) => many).length;
    assertEquals(help.match(/may\s+be\s+repeated/g)?.length ?? 0, repeated);
    assertStringIncludes(programHelp(commands), `yodel ${name}`);
    for (const line of (help + programHelp(commands)).split("\n")) assert(line.length <= 80, line);
    assertMatch(help, new RegExp(`^Example:\\n  .*yodel ${name} `));
  }
});

Deno.test("help faults says of each fault what its probability is of, and without one", async () => {
  const { stdout } = await runHere(["help", "faults"]);
  for (const line of stdout.split("\n")) assert(line.length <= 80, line);
  const shares =
    stdout.replace(/\s+/g, " ").match(/P is the probability per \w+ \(default [\w.-]+/g) ?? [];
  assertEquals(shares.length, faults.filter(({ chance }) => chance !== undefined).length);
});

for (const word of ["--version", "-V", "version"]) {
  Deno.test(`${word} prints the version of deno.json`, async () => {
    const result = await runHere([word]);
    assertEquals(result, { code: 0, stdout: `yodel ${config.version}\n`, stderr: "" });
  });
}

Deno.test("help says the same as --help, and nothing at all is answered with it on stderr", async () => {
  assertEquals((await runHere(["help"])).stdout, programHelp(commands));
  assertEquals((await runHere(["help", "serve"])).stdout, commandHelp("serve", serveCommand));
  assertEquals(await runHere([]), { code: 2, stdout: "", stderr: programHelp(commands) });
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

Deno.test("a Deno that is too old is named with what is needed, whatever it was to do", async () => {
  const withDeno = (version: string) => {
    const pretend = `Object.defineProperty(Deno, "version", { value: { deno: "${version}" } })`;
    return program.toSpliced(2, 0, `--preload=data:text/javascript,${encodeURI(pretend)}`);
  };
  for (const args of [["serve", "tls://:0"], ["--version"]]) {
    assertEquals(await run([...withDeno("2.8.9"), ...args]), {
      code: 2,
      stdout: "",
      stderr: "yodel needs Deno 2.9 or later, this is 2.8.9; " +
        "get it with deno upgrade, or with npm install --global deno@latest\n",
    });
  }
  assertEquals((await run([...withDeno("2.10.0"), "--version"])).code, 0);
});

for (
  const [right, words, message] of [
    ["read", ["load", "--merge", "a.json"], "--merge: cannot read a.json"],
    [
      "write",
      ["serve", "tls://127.0.0.1:0", "--write-ca", "a.pem"],
      "--write-ca: cannot write a.pem",
    ],
    ["net", ["connect", "127.0.0.1:1"], "cannot connect to tcp://127.0.0.1:1"],
  ] as const
) {
  Deno.test(`without --allow-${right}, a line says that Deno needs it`, async () => {
    const command = program.filter((word) => word !== `--allow-${right}`);
    assertEquals(await run([...command, ...words]), {
      code: 2,
      stdout: "",
      stderr: `yodel: ${message}: Deno needs --allow-${right} for it\n`,
    });
  });
}
