/** The examples of the README and of docs/, as a reader pastes them. */
import { assertEquals, assertMatch } from "@std/assert";
import { commands } from "../cli/commands.ts";
import config from "../deno.json" with { type: "json" };
import { EXIT_STATUSES } from "../cli/exit.ts";
import { available, programScript, root, run, startServer } from "./program.ts";
import { freePort } from "./local.ts";

const pages = ["README.md", "CONTRIBUTING.md"];
for (const { name } of Deno.readDirSync(`${root}docs`)) {
  if (name.endsWith(".md")) pages.push(`docs/${name}`);
}

/** The examples for a shell on a page, in their order. */
function examplesOf(page: string): string[] {
  const text = Deno.readTextFileSync(root + page);
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, example = ""]) => example);
}

/** Examples of a clone or a release, tested elsewhere, or for several machines: they are only read. */
const ONLY_READ = /\bdeno |\.ci\/run|install\.sh|^parallel |^kubectl /m;

/** A server that stays in the foreground, for the examples after it. */
const SERVER = /^yodel serve [^&|]*$/;

for (const shell of ["dash", "bash", "zsh"]) {
  const ignore = !available(shell);

  Deno.test(`${shell} can read every example`, { ignore }, async () => {
    const script = 'for example; do "$0" -n -c "$example" || echo "$example"; done';
    const result = await run(["sh", "-c", script, shell, ...pages.flatMap(examplesOf)]);
    assertEquals(result, { code: 0, stdout: "", stderr: "" });
  });

  for (const page of shell === "bash" ? [] : pages) {
    const examples = examplesOf(page).filter((example) => !ONLY_READ.test(example));
    // Dash stands for every shell of POSIX, and zsh is the one that differs most from it.
    if (examples.length === 0 || shell === "zsh" && page !== "README.md") continue;
    const needed = ["jq", "curl", "openssl"].filter((tool) =>
      examples.some((example) => example.includes(tool))
    );
    Deno.test(`the examples of ${page} work in ${shell}`, {
      ignore: ignore || !needed.every(available),
    }, async () => {
      await using sandbox = await makeSandbox();
      for (const example of examples) await sandbox.run(shell, example);
    });
  }
}

Deno.test("the recipe that waits for a server does not take one that refuses for it", {
  ignore: !available("dash"),
}, async () => {
  const recipes = examplesOf("docs/recipes.md");
  const example = recipes.find((example) => example.includes("it is there")) ?? "";
  await using sandbox = await makeSandbox(["--fault", "refuse"]);
  const soon = example.replace("--wait 30s", "--wait 500ms");
  const { code, stdout } = await sandbox.try("dash", soon);
  assertEquals([code, stdout.includes("it is there")], [2, false], example);
});

/** For loads that are merged: they overlap, also where one of them starts late. */
const OVERLAPPING = "-d 10s -r 5";

/** A folder with yodel and a server, in which examples run on free ports, however slow the machine. */
async function makeSandbox(flags: string[] = []) {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/yodel`, programScript, { mode: 0o755 });
  await Deno.writeFile(`${folder}/photo.jpg`, crypto.getRandomValues(new Uint8Array(50_000)));
  const local = await startServer(["127.0.0.1:0", ...flags]);
  const ports = new Map([["2222", String(local.port)]]);
  const servers = [local];
  const inside = (example: string) => {
    const there = example
      .replace("SERVER:", "localhost:")
      .replace(/(?<=:)\d{4}\b/g, portFor)
      .replaceAll("/tmp/", `${folder}/`)
      .replace(/-d \d+[sm]/g, example.includes("--merge") ? OVERLAPPING : "-n 100")
      .replace(/--warm-up \d+s/g, "--warm-up 50ms")
      .replace(
        /(p99=|-W |-timeout )\d+m?s\b/g,
        (_, limit) => `${limit}${limit === "-W " ? 5 : 60}s`,
      )
      .replace("rate=100", "rate=1");
    return `cd '${folder}' && PATH="${folder}:$PATH" && ${there}`;
  };

  /** The free port that stands for one in an example. */
  function portFor(port: string): string {
    const free = ports.get(port) ?? String(freePort());
    ports.set(port, free);
    return free;
  }

  return {
    try: (shell: string, example: string) => run([shell, "-c", inside(example)]),
    async run(shell: string, example: string): Promise<void> {
      if (SERVER.test(example)) {
        const script = inside(example).replace("&& yodel", "&& exec yodel");
        servers.push(await startServer([], [shell, "-c", script]));
        return;
      }
      const { code, stderr, stdout } = await this.try(shell, example);
      assertEquals({ code, stderr }, { code: 0, stderr: "" }, example);
      // null is what jq makes of a field that is not there.
      assertMatch(stdout, /^(?!null)./, example);
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("no example has a comment, an address elsewhere, or a task that is not there", () => {
  for (const example of pages.flatMap(examplesOf)) {
    assertEquals(example.match(/(?<![\w$"'])#/g), null, `an interactive zsh has none: ${example}`);
    assertNothingElsewhere(example);
    for (const [, task = ""] of example.matchAll(/deno task (?!--)(\w+)/g)) {
      assertEquals(Object.hasOwn(config.tasks, task), true, example);
    }
  }
  for (const { example } of Object.values(commands)) assertNothingElsewhere(example);
});

/** An example that is pasted reaches this machine only. */
function assertNothingElsewhere(example: string): void {
  const hosts = [...example.matchAll(/(\[[\da-f:]+\]|[\w.-]+):\d+/gi)].map(([, host]) => host);
  const elsewhere = hosts.filter((host) =>
    !["SERVER", "localhost", "127.0.0.1", "[::1]"].includes(host ?? "")
  );
  assertEquals(elsewhere, [], example);
  const address = /https?:(?!\/\/localhost:)|\d+\.\d+\.\d+\.\d+(?<!127\.0\.0\.1)/g;
  assertEquals(example.match(address), null, example);
}

Deno.test("every link to a file of the project leads to one", async () => {
  for (const page of pages) {
    const text = await Deno.readTextFile(root + page);
    for (const [, to = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      const { isFile } = await Deno.stat(new URL(to, import.meta.resolve(`../${page}`)));
      assertEquals(isFile, true, `${page}: ${to}`);
    }
  }
});

Deno.test("the README has the exit statuses as --help has them", async () => {
  const readme = (await Deno.readTextFile(`${root}README.md`)).replace(/ +/g, " ");
  for (const [status, when] of EXIT_STATUSES) {
    assertEquals(readme.includes(`| ${status} | ${when} |`), true, status);
  }
});
