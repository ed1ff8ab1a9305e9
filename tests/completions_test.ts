/** The completions, used by the shells that they are for. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { commands } from "../cli/commands.ts";
import { completions, SHELLS } from "../cli/completions.ts";
import { available, run, yodel } from "./program.ts";

const cases: [words: string[], expected: string[]][] = [
  [["yodel", "ser"], ["serve"]],
  [["yodel", ""], [...Object.keys(commands), "--help", "--version"]],
  [["yodel", "serve", "--idle"], ["--idle-timeout"]],
  [["yodel", "connect", "--veri"], ["--verify"]],
  [["yodel", "serve", "--log-format", ""], ["text", "json"]],
  [["yodel", "serve", "--fault", "dela"], ["delay="]],
  [["yodel", "load", "--at-least", ""], ["rate="]],
  [["yodel", "completions", "z"], ["zsh"]],
  [["yodel", "help", "se"], ["serve"]],
];

/** A folder that it makes, with a file in it that flags such as --cert can take. */
async function folderWithFile(): Promise<{ folder: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/certificate.pem`, "");
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

/** What bash makes of `yodel serve --log-format=j` and its like. */
const withEquals: typeof cases = [
  [["yodel", "serve", "--log-format", "=", "j"], ["json"]],
  [["yodel", "serve", "--fault", "certificate", "=", "e"], ["expired"]],
  [["yodel", "serve", "--fault", "=", "certificate", "=", "e"], ["expired"]],
  [["yodel", "serve", "--fault", "delay", "="], []],
];

Deno.test("completions prints what each shell is to run", async () => {
  for (const shell of SHELLS) {
    const result = await yodel(["completions", shell]);
    assertEquals(result, { code: 0, stdout: completions(shell, commands), stderr: "" });
  }
});

Deno.test("bash completes commands, flags and values", { ignore: !available("bash") }, async () => {
  // It completes files by itself, where the function has no words.
  const noWords: typeof cases[0] = [["yodel", "serve", "--cert", "./c"], []];
  for (const [words, expected] of [...cases, ...withEquals, noWords]) {
    const { stdout, stderr } = await run([
      "bash",
      "-c",
      `${completions("bash", commands)}
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _yodel; echo "\${COMPREPLY[*]}"
      complete -p yodel`,
      "bash",
      ...words,
    ]);
    assertEquals({ stdout, stderr }, {
      stdout: `${expected.join(" ")}\ncomplete -o default -F _yodel yodel\n`,
      stderr: "",
    });
  }
});

Deno.test("bash has no space after what goes on, and no files where none is meant", {
  ignore: !available("bash"),
}, async () => {
  const script = `${completions("bash", commands)}
    compopt() { echo "$*"; }
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _yodel`;
  for (
    const [words, told] of [
      [["--fault", "dela"], "+o default\n-o nospace\n"],
      [["--idle-timeout", ""], "+o default\n"],
      [["--cert", ""], ""],
      [["unix", ":", "/tmp/"], "-o default\n"],
    ] as const
  ) {
    const { stdout } = await run(["bash", "-c", script, "bash", "yodel", "serve", ...words]);
    assertEquals(stdout, told, words.join(" "));
  }
});

Deno.test("fish completes commands, flags and values", { ignore: !available("fish") }, async () => {
  for (const [words, expected] of cases) {
    const { stdout, stderr } = await run([
      "fish",
      "--no-config",
      "-c",
      `${completions("fish", commands)}\ncomplete -C '${words.join(" ")}'`,
    ]);
    const proposed = stdout.trimEnd().split("\n").map((line) => line.replace(/\t.*/, ""));
    for (const word of expected.filter((word) => words.at(-1) !== "" || !word.startsWith("-"))) {
      assertEquals(proposed.includes(word), true, `${word} among ${proposed}`);
    }
    assertEquals(stderr, "");
  }
});

Deno.test("fish completes files for the flags that take one, and for no others", {
  ignore: !available("fish"),
}, async () => {
  await using made = await folderWithFile();
  const proposed = async (words: string) => {
    const script = `${completions("fish", commands)}\ncomplete -C '${words}${made.folder}/cert'`;
    return (await run(["fish", "--no-config", "-c", script])).stdout.trimEnd();
  };
  const file = `${made.folder}/certificate.pem`;
  assertEquals(await proposed("yodel serve --cert "), file);
  assertEquals(await proposed("yodel connect --ca="), `--ca=${file}`);
  assertEquals(await proposed("yodel load -n 5 --histogram "), file);
  assertEquals(await proposed("yodel serve --cert-name "), "");
});

// In zsh completion works only in an interactive shell, so the test types into one.
Deno.test("zsh completes commands, flags, values and files", {
  ignore: !available("zsh"),
}, async () => {
  await using made = await folderWithFile();
  const file = `${made.folder}/_yodel`;
  await Deno.writeTextFile(file, completions("zsh", commands));
  const { stdout } = await run([
    "zsh",
    "-f",
    "-c",
    `zmodload zsh/zpty
    zpty shell "TERM=dumb COLUMNS=200 zsh -f -i"
    zpty -w shell "PS1=; unsetopt zle_bracketed_paste; zstyle :compinstall filename x"
    zpty -w shell "setopt auto_list no_list_ambiguous; source ${file}; echo rea''dy"
    zpty -r -m shell line "*ready*"
    complete() {
      zpty -w -n shell "$1"$'\\t\\t'
      zpty -r -m shell line "*$2*" && print -r -- "$line"
      zpty -w -n shell $'\\x15'
    }
    complete "yodel ser" "serve"
    complete "yodel serve --idle" "idle-timeout"
    complete "yodel serve --log-format j" "json"
    complete "yodel serve --fault certificate=e" "certificate=expired"
    complete "yodel load --at-most connect" "connect-p99="
    complete "yodel completions z" "zsh"
    complete "yodel serve --cert ${made.folder}/c" "certificate.pem"
    complete "yodel connect --ca=${made.folder}/c" "--ca=${made.folder}/certificate.pem"
    zpty -d shell`,
  ]);
  const expected = [
    "serve",
    "--idle-timeout",
    "json",
    "certificate=expired",
    "connect-p99=",
    "zsh",
    `--cert ${made.folder}/certificate.pem`,
    `--ca=${made.folder}/certificate.pem`,
  ];
  for (const words of expected) assertStringIncludes(stdout, words);
});

Deno.test("PowerShell completes commands, flags and values", {
  ignore: !available("pwsh"),
}, async () => {
  for (const [words, expected] of cases) {
    const line = words.join(" ");
    const { stdout, stderr } = await run([
      "pwsh",
      "-NoProfile",
      "-NonInteractive",
      "-Command",
      `${completions("powershell", commands)}
      (TabExpansion2 '${line}' ${line.length}).CompletionMatches.CompletionText -join ' '`,
    ]);
    assertEquals({ stdout: stdout.trimEnd(), stderr }, { stdout: expected.join(" "), stderr: "" });
  }
});

Deno.test("what PowerShell is to run has every word, plainly quoted, and each flag once", () => {
  const script = completions("powershell", commands);
  assertMatch(script, /^[ -~\n]+$/); // Windows PowerShell reads what programs print as if it were ASCII.
  for (const [name, { flags }] of Object.entries(commands)) {
    const [, words = ""] = new RegExp(`^ +'${name}' { (.*) }$`, "m").exec(script) ?? [];
    for (const flag of Object.keys(flags)) assertStringIncludes(words, `'--${flag}'`);
  }
  assertMatch(script, /^ +'--log-format' { 'text', 'json' }$/m);
  assertMatch(script, /^ +'--cert' { }$/m);
  const clauses = script.match(/^ +'-[^']*' {/gm) ?? [];
  assertEquals(clauses.length, new Set(clauses).size);
});
