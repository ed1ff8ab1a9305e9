/** The completions, used by the shells that they are for. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "npm:fast-check@4.10.2";
import { commands } from "../cli/commands.ts";
import { completions, completionScripts } from "../cli/commands/completions.ts";
import { linux } from "./machine.ts";
import { runHere } from "./in_process.ts";
import { available, programScript, type Result, run } from "./program.ts";
import { commandLine } from "./texts.ts";

const cases: [line: string, expected: string][] = [
  ["yodel ser", "serve"],
  ["yodel ", `${Object.keys(commands).join(" ")} --help --version`],
  ["yodel serve --idle", "--idle-timeout"],
  ["yodel connect --veri", "--verify"],
  ["yodel serve --log-format ", "text json"],
  ["yodel serve --fault dela", "delay="],
  ["yodel serve --fault re", "refuse read-rate= repeat reorder reset-after= reset-at="],
  ["yodel load --at-least ", "rate="],
  ["yodel connect t", "tcp:// tls://"],
  ["yodel serve uni", "unix:"],
  ["yodel completions z", "zsh"],
  ["yodel help se", "serve"],
  ["yodel help fa", "faults"],
];

/** A folder in which a script is `yodel`, with a file that flags such as --cert can take. */
async function folderWith(script: string) {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/yodel`, script, { mode: 0o755 });
  await Deno.writeTextFile(`${folder}/certificate.pem`, "");
  return {
    folder,
    /** Runs a command that finds `yodel` in its PATH. */
    run: (command: readonly string[], stdin = ""): Promise<Result> =>
      run(["env", `PATH=${folder}:${Deno.env.get("PATH")}`, ...command], stdin),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** The same, where the script asks this process, which starts sooner than the program. */
async function folderWithProgram() {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { code, stdout } = await runHere((await request.text()).split("\0").slice(0, -1));
    return new Response(stdout, { status: code === 0 ? 200 : 500 });
  });
  const ask = `curl -sf --noproxy '*' --data-binary @- http://127.0.0.1:${server.addr.port}`;
  const made = await folderWith(`#!/bin/sh\nprintf '%s\\0' "$@" | ${ask}`);
  return {
    ...made,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await made[Symbol.asyncDispose]();
    },
  };
}

/** Whether this machine has a shell, and curl for {@linkcode folderWithProgram}. */
const canAsk = (shell: string) => available(shell) && available("curl");

/** The words that bash makes of `yodel serve --log-format=j` and its like, and files. */
const inBash: typeof cases = [
  ["yodel serve --log-format = j", "json"],
  ["yodel serve --fault certificate = e", "expired"],
  ["yodel serve --fault = certificate = e", "expired"],
  ["yodel serve --fault delay =", ""],
  // Bash completes files by itself, where the function has no words.
  ["yodel serve --cert ./c", ""],
  ["yodel serve --cert ", ""],
  ["yodel serve --cert F", ""],
];

/** Has bash call the function as it does when Tab is pressed after these words. */
function tabInBash(text: string, then: string): string[] {
  const words = text.split(" ");
  const script = `${completionScripts.bash}
    compopt() { echo "$*"; }
    COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDS=("\${@:3}") COMP_CWORD=$(($# - 3))
    ${then.replace("PRESS", '_yodel "$3" "$2"')}`;
  const line = text.replace(/ ([=:]) ?/g, "$1");
  const last = (words.at(-1) ?? "").replace(/^[=:]$/, "");
  return ["bash", "-c", script, "bash", line, last, ...words];
}

/** Has fish say what it offers at the end of a line. */
function tabInFish(line: string): string[] {
  return ["fish", "--no-config", "-c", `${completionScripts.fish}\ncomplete -C '${line}'`];
}

Deno.test("completions prints the script of each shell", async () => {
  for (const [shell, script] of Object.entries(completionScripts)) {
    const result = await runHere(["completions", shell]);
    assertEquals(result, { code: 0, stdout: script, stderr: "" });
  }
});

Deno.test("each flag of a command is offered once, with its help", () => {
  for (const [name, { flags }] of Object.entries(commands)) {
    const offered = completions([name, "-"], commands);
    for (const [flag, { short, help }] of Object.entries(flags)) {
      const words = [`--${flag}`, ...short === undefined ? [] : [`-${short}`]];
      for (const word of words) assert(offered.includes(`${word}\t${help}`), word);
    }
    assertEquals(offered.length, new Set(offered).size);
  }
});

Deno.test("a flag that was given is offered again only if it may be repeated", () => {
  const words = ["--json", "-c5", "-n", "1", "--rate=5", "--at-most", "p99=1s", "--"];
  const flags = completions(["load", ...words.with(-1, "-")], commands).join("\n");
  for (const word of ["--json", "--connections", "-c", "--messages", "--rate"]) {
    assert(!flags.includes(`${word}\t`), word);
  }
  assertStringIncludes(flags, "--at-most\t");
  assertEquals(completions(["load", ...words, "-"], commands), []);
});

Deno.test("values are those of the flag in this command, and the words before an endpoint no flags", () => {
  const wordsOf = (...words: string[]) =>
    completions(words, commands).map((line) => line.replace(/\t.*/, ""));
  assertEquals(wordsOf("serve", "--workers", ""), ["auto"]);
  assertEquals(wordsOf("load", "--pipeline", ""), []);
  assert(wordsOf("load", "--at-most", "").includes("loss="));
  assert(!wordsOf("load", "--at-least", "").includes("loss="));
  assertEquals(wordsOf("connect", "lo"), []);
  assertEquals(wordsOf("ping", "").slice(0, 4), ["tcp://", "tls://", "udp://", "unix:"]);
  assertEquals(wordsOf("serve", "unix:./e"), ["FILE"]);
  assertEquals(wordsOf("load", "--merge", "a.json", "b"), ["FILE"]);
  assertEquals(wordsOf("help", "serve", ""), ["--help"]);
});

Deno.test("any typed text is completed with words, and status 0", async () => {
  fc.assert(fc.property(commandLine, (words) => {
    for (const line of completions(words, commands)) {
      if (!line.startsWith("--")) assertMatch(line, /^[\w.=:/-]+(\t[^\t\n]+)?$/);
    }
  }));
  for (
    const words of [["nope", ""], ["constructor", "-"], ["serve", "--", "-"], ["sérve", '"']]
  ) {
    assertEquals(await runHere(["complete", ...words]), { code: 0, stdout: "", stderr: "" });
  }
});

Deno.test("bash completes commands, flags and values", { ignore: !canAsk("bash") }, async () => {
  await using made = await folderWithProgram();
  for (const [line, expected] of [...cases, ...inBash]) {
    const then = 'PRESS >/dev/null; echo "${COMPREPLY[*]}"; complete -p yodel';
    const { stdout, stderr } = await made.run(tabInBash(line, then));
    const defined = "complete -o default -F _yodel yodel\n";
    assertEquals([stdout, stderr], [`${expected}\n${defined}`, ""]);
  }
  // No space after words that go on, and no files where none is meant.
  for (
    const [words, options] of [
      ["--fault dela", "+o default\n-o nospace\n"],
      ["--fault delay =", "+o default\n-o nospace\n"],
      ["tc", "+o default\n-o nospace\n"],
      ["tcp : /", "+o default\n-o nospace\n"],
      ["--idle-timeout ", "+o default\n"],
      ["--cert ", "-o default\n"],
      ["unix : /tmp/", "-o default\n"],
    ] as const
  ) {
    const { stdout } = await made.run(tabInBash(`yodel serve ${words}`, "PRESS"));
    assertEquals(stdout, options, words);
  }
});

Deno.test("bash completes what is typed into it, by the program that is named there", {
  ignore: !available("bash") || !available("script") || !linux,
}, async () => {
  await using made = await folderWith(programScript);
  await Deno.writeTextFile(`${made.folder}/script`, completionScripts.bash);
  const terminal = ["script", "--quiet", "--return", "--command"];
  const keys = [
    `cd ${made.folder}; source ./script; PATH=/nowhere`,
    // Ctrl-A and echo show the line; what is typed after a Tab, whether there was a space.
    ...[
      "./yodel serve --fault dela\t20ms --fault=certificate=e\t.",
      "./yodel serve --log-format=j\t. --cert=cert\t. unix:cert\t. ud\t:1 tls:\t:1",
      "yodel serve --idle-t\t.",
    ].map((words) => `${words}\x01echo `),
    "exit",
  ];
  const bash = [...terminal, "TERM=dumb bash --norc --noprofile -i", "/dev/null"];
  const { stdout } = await made.run(bash, keys.map((line) => `${line}\n`).join(""));
  const lines = stdout.replaceAll("\r", "").split("\n");
  for (
    const words of [
      "./yodel serve --fault delay=20ms --fault=certificate=expired .",
      "./yodel serve --log-format=json . --cert=certificate.pem . unix:certificate.pem . " +
      "udp://:1 tls://:1",
      "yodel serve --idle-t.",
    ]
  ) assert(lines.includes(words), stdout);
});

Deno.test("fish completes commands, flags and files", { ignore: !canAsk("fish") }, async () => {
  await using made = await folderWithProgram();
  const press = async (line: string) => {
    const { stdout, stderr } = await made.run(tabInFish(line));
    assertEquals(stderr, "");
    return stdout;
  };
  for (const [line, expected] of cases) {
    const offered = (await press(line)).split("\n").map((line) => line.split("\t")[0]);
    for (const word of expected.split(" ")) assert(offered.includes(word), `${word}: ${offered}`);
  }
  const file = `${made.folder}/certificate.pem`;
  for (
    const [words, offered] of [
      ["serve --cert ", `${file}\n`],
      ["connect --ca=", `--ca=${file}\n`],
      ["load --json --merge ", `${file}\n`],
      ["serve unix:", `unix:${file}\n`],
      ["serve --cert-name ", ""],
    ]
  ) assertEquals(await press(`yodel ${words}${made.folder}/cert`), offered);
  // It finds words by their middle, but not by their description.
  assertEquals(await press("yodel erve"), `serve\t${commands.serve?.summary}\n`);
  assertEquals(await press("yodel serve --log-format so"), "json\tfor people or for programs\n");
  assertEquals(await press("yodel every"), "");
});

// In zsh completion works only in an interactive shell, so the test types into one.
Deno.test("zsh completes commands, flags and files", { ignore: !canAsk("zsh") }, async () => {
  await using made = await folderWithProgram();
  const { folder } = made;
  await Deno.writeTextFile(`${folder}/_yodel`, completionScripts.zsh);
  const typed = [
    ["yodel ser", "serve"],
    ["yodel serve --idle", "--idle-timeout"],
    ["yodel serve --log-format j", "json"],
    ["yodel serve --fault certificate=e", "certificate=expired"],
    ["yodel completions z", "zsh"],
    ["yodel ping ud", "udp:"],
    [`yodel serve --cert ${folder}/c`, `--cert ${folder}/certificate.pem`],
    [`yodel connect --ca=${folder}/c`, `--ca=${folder}/certificate.pem`],
    [`yodel serve unix:${folder}/c`, `unix:${folder}/certificate.pem`],
    ["yodel load --r", "--reconnect  -- open a connection for each message"],
  ] as const;
  const script = `zmodload zsh/zpty
  zpty shell "TERM=dumb COLUMNS=200 zsh -f -i"
  zpty -w shell "PS1=; unsetopt zle_bracketed_paste; zstyle :compinstall filename x"
  zpty -w shell "setopt auto_list no_list_ambiguous; source ${folder}/_yodel; echo rea''dy"
  zpty -r -m shell line "*ready*"
  while (( $# )); do
    zpty -w -n shell "$1"$'\\t\\t'
    zpty -r -m shell line "*\${2##*/}*" && print -r -- "$line"
    zpty -w -n shell $'\\x15'
    shift 2
  done
  zpty -d shell`;
  const { stdout } = await made.run(["zsh", "-f", "-c", script, "zsh", ...typed.flat()]);
  for (const [, completed] of typed) assertStringIncludes(stdout, completed);
});

Deno.test("PowerShell completes commands and flags", { ignore: !canAsk("pwsh") }, async () => {
  await using made = await folderWithProgram();
  for (const [line, expected] of cases) {
    const script = `${completionScripts.powershell}
      (TabExpansion2 '${line}' ${line.length}).CompletionMatches.CompletionText -join ' '`;
    const pwsh = ["pwsh", "-NoProfile", "-NonInteractive", "-Command", script];
    const { stdout, stderr } = await made.run(pwsh);
    assertEquals([stdout.trimEnd(), stderr], [expected, ""]);
  }
});

Deno.test("Windows PowerShell can read its script and the answers, and drops no empty word", () => {
  const answers = Object.keys(commands).flatMap((name) => completions([name, "-"], commands));
  // It reads what programs print as if it were ASCII.
  for (const text of [completionScripts.powershell, ...answers]) assertMatch(text, /^[ -~\t\n]+$/);
  assertEquals(completions(['""'], commands), completions([""], commands));
  assertEquals(completions(["serve", '""'], commands), completions(["serve", ""], commands));
});
