/** The completions, used by the shells that they are for. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { commands } from "../cli/commands.ts";
import { completions, SHELLS } from "../cli/completions.ts";
import { available, run, yodel } from "./program.ts";

const cases: [words: string[], expected: string[]][] = [
  [["yodel", "ser"], ["serve"]],
  [["yodel", ""], [...Object.keys(commands), "--help", "--version"]],
  [["yodel", "serve", "--idle"], ["--idle-timeout"]],
  [["yodel", "connect", "--v"], ["--verify"]],
  [["yodel", "serve", "--log-format", ""], ["text", "json"]],
  [["yodel", "completions", "z"], ["zsh"]],
  [["yodel", "help", "se"], ["serve"]],
];

/** What bash makes of `yodel serve --log-format=j`. */
const withEquals: typeof cases[0] = [["yodel", "serve", "--log-format", "=", "j"], ["json"]];

Deno.test("completions prints what each shell is to run", async () => {
  for (const shell of SHELLS) {
    const result = await yodel(["completions", shell]);
    assertEquals(result, { code: 0, stdout: completions(shell, commands), stderr: "" });
  }
});

Deno.test("bash completes commands, flags and values", { ignore: !available("bash") }, async () => {
  for (const [words, expected] of [...cases, withEquals]) {
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

// In zsh completion works only in an interactive shell, so the test types into one.
Deno.test("zsh completes commands, flags and values", { ignore: !available("zsh") }, async () => {
  const file = await Deno.makeTempFile();
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
    complete "yodel completions z" "zsh"
    zpty -d shell`,
  ]);
  for (const word of ["serve", "--idle-timeout", "json", "zsh"]) assertStringIncludes(stdout, word);
  await Deno.remove(file);
});
