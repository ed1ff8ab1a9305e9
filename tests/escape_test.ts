/** Bytes from the network and arguments reach neither a terminal nor a log unescaped. */
import { assertEquals, assertRejects } from "@std/assert";
import { formatError } from "../cli/exit.ts";
import { parseCommand, parseInvocation } from "../cli/parse.ts";
import { connect, YodelError } from "../client.ts";
import { escapeControls } from "../net/escape.ts";
import { serve } from "../server.ts";
import { inputOf, nowhere } from "./faulty.ts";
import { onUnix } from "./machine.ts";
import { available, program, run, startServer } from "./program.ts";

Deno.test("invisible and control characters become escapes", () => {
  const rows = [
    ["\x00\x1b\x7f\x80\x9b\xad", "\\x00\\x1b\\x7f\\x80\\x9b\\xad"],
    ["\n\r\t\\", "\\n\\r\\t\\\\"],
    // Spaces without width, joiners, marks of order and direction.
    ["\u200b\u200c\u200d\u2060\ufeff", "\\u200b\\u200c\\u200d\\u2060\\ufeff"],
    ["\u061c\u200e\u202a\u202e\u2066\u2069", "\\u061c\\u200e\\u202a\\u202e\\u2066\\u2069"],
    ["\u2028\u2029", "\\u2028\\u2029"],
    // What text can be hidden in: tags and variation selectors; letters without a shape.
    ["\u{e0041}\u{e007f}\ufe0f\u{e0100}", "\\u{e0041}\\u{e007f}\\ufe0f\\u{e0100}"],
    ["\u034f\u115f\u3164\uffa0", "\\u034f\\u115f\\u3164\\uffa0"],
    // For private use, half a surrogate pair, unassigned.
    ["\ue000\ud800\uffff", "\\ue000\\ud800\\uffff"],
    ["👩\u200d💻", "👩\\u200d💻"],
  ] as const;
  for (const [text, escaped] of rows) assertEquals(escapeControls(text), escaped);
  const plain = 'Grüße, "日本語", עברית, नमस्ते 🙂 ~!';
  assertEquals(escapeControls(plain), plain);
});

Deno.test("an error message has no invisible characters", onUnix, async () => {
  const hidden = "a\x7f\x9b\u200b\u202e";
  const shown = "a\\x7f\\x9b\\u200b\\u202e";
  const connecting = (endpoint: string) =>
    connect(endpoint, { input: inputOf(""), output: nowhere });
  const reading = (name: string, ...words: string[]) =>
    Promise.try(() => parseInvocation(parseCommand(name, words), words));
  for (
    const [attempt, expected] of [
      [() => reading("connect", hidden), `endpoint "${shown}": expected`],
      [() => reading("connect", `--${hidden}`), `unknown flag "--${shown}"; see --help`],
      [() => reading("unix:\u202e"), 'unknown command "unix:\\u202e"; did you mean yodel connect'],
      [
        () => reading("serve", `unix:/nowhere/${hidden}\n`),
        `endpoint "unix:/nowhere/${shown}\\n": its path has control`,
      ],
      [
        () => connecting("unix:/\u202e"),
        "cannot connect to unix:/\\u202e: no such file or directory",
      ],
      [
        () => serve("unix:/\u202e/a"),
        "cannot listen on unix:/\\u202e/a: no such file or directory",
      ],
    ] as const
  ) {
    const line = formatError(await assertRejects(attempt, YodelError));
    assertEquals(line.slice(0, expected.length + 7), `yodel: ${expected}`);
    assertEquals(escapeControls(line, "\\"), line);
  }
});

Deno.test("on a terminal a truncated character shows as a replacement character", {
  ignore: !available("script") || Deno.build.os !== "linux",
}, async () => {
  await using server = await startServer(["127.0.0.1:0"]);
  const command = `printf 'a\\342\\202' | ${program.join(" ")} connect :${server.port}`;
  const options = ["--quiet", "--return", "--command", command, "/dev/null"];
  const { code, stdout } = await run(["script", ...options]);
  assertEquals({ code, stdout }, { code: 0, stdout: "a\ufffd" });
});
