/** What comes from elsewhere reaches neither a terminal nor a log as it is. */
import { assertEquals, assertRejects } from "@std/assert";
import { formatError } from "../cli/exit.ts";
import { parseCommand, parseInvocation } from "../cli/parse.ts";
import { connect, YodelError } from "../client.ts";
import { escapeControls } from "../net/escape.ts";
import { serve } from "../server.ts";
import { unix } from "./local.ts";
import { available, program, run, startServer, yodel } from "./program.ts";

Deno.test("what is not seen, or controls how text is shown, becomes an escape", () => {
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
    // Without a meaning that all know: for private use, half a pair, nothing yet.
    ["\ue000\ud800\uffff", "\\ue000\\ud800\\uffff"],
    ["👩\u200d💻", "👩\\u200d💻"],
  ] as const;
  for (const [text, escaped] of rows) assertEquals(escapeControls(text), escaped);
  const plain = 'Grüße, "日本語", עברית, नमस्ते 🙂 ~!';
  assertEquals(escapeControls(plain), plain);
});

Deno.test("invisible characters show in the log", async () => {
  await using server = await startServer(["127.0.0.1:0", "--log-data", "text"]);
  await yodel(["connect", `:${server.port}`], "a\u200bb\ufeff\u{e0041}");
  server.process.kill("SIGTERM");
  assertEquals(/data=(.*)/.exec(await server.log)?.[1], "a\\u200bb\\ufeff\\u{e0041}");
});

Deno.test("an error for people has no control characters and nothing unseen", {
  ignore: !unix,
}, async () => {
  const hidden = "a\x7f\x9b\u200b\u202e";
  const shown = "a\\x7f\\x9b\\u200b\\u202e";
  const input = { read: () => Promise.resolve(null) };
  const output = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };
  const connecting = (endpoint: string) => connect(endpoint, { input, output });
  const reading = (name: string, ...words: string[]) =>
    Promise.try(() => parseInvocation(parseCommand(name, words), words));
  for (
    const [attempt, expected] of [
      [() => reading("connect", hidden), `endpoint "${shown}": expected`],
      [() => reading("connect", `--${hidden}`), `unknown flag "--${shown}"; see --help`],
      [
        () => reading("unix:\u202e"),
        'unknown command "unix:\\u202e"; did you mean yodel connect unix:',
      ],
      [
        () => reading("serve", `unix:/nowhere/${hidden}\n`),
        `endpoint "unix:/nowhere/${shown}\\n": its path has control`,
      ],
      [() => connecting("unix:/\u202e"), "cannot connect to unix:/\\u202e: no such file"],
      [() => serve("unix:/\u202e/a"), "cannot listen on unix:/\\u202e/a: there is no folder"],
    ] as const
  ) {
    const line = formatError(await assertRejects(attempt, YodelError));
    assertEquals(line.slice(0, expected.length + 7), `yodel: ${expected}`);
    assertEquals(escapeControls(line, "\\"), line);
  }
  const { stderr } = await yodel(["connect", hidden]);
  assertEquals(escapeControls(stderr, "\n\\"), stderr);
});

Deno.test("on a terminal the beginning of a character shows, where its end does not come", {
  ignore: !available("script") || Deno.build.os !== "linux",
}, async () => {
  await using server = await startServer(["127.0.0.1:0"]);
  const command = `printf 'a\\342\\202' | ${program.join(" ")} connect :${server.port}`;
  const options = ["--quiet", "--return", "--command", command, "/dev/null"];
  const { code, stdout } = await run(["script", ...options]);
  assertEquals({ code, stdout }, { code: 0, stdout: "a\ufffd" });
});
