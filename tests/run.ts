/**
 * Runs the tests: all of them, or the files that the arguments name. Other arguments go to
 * `deno test`, and those after `--` to the tests. The last line has the counts, why tests were
 * skipped, and which files took longest.
 *
 * @module
 */

/** What needs the machine to itself, since it measures memory or keeps both cores busy. */
const ALONE = ["tests/reliability_test.ts", "tests/silence_test.ts", "tests/tls_ends_test.ts"];

/** Most tests wait for something most of the time. */
const JOBS = 2 * navigator.hardwareConcurrency;

/** The results of a test file, as JUnit writes them. */
const SUITE = /<testsuite name="(.*?)"(.*?)<\/testsuite>/gs;

const deno = Deno.execPath();
const end = Deno.args.indexOf("--");
const own = end < 0 ? Deno.args : Deno.args.slice(0, end);
const rest = end < 0 ? [] : Deno.args.slice(end);
const flags = own.filter((word) => !word.endsWith(".ts"));
const named = own.filter((word) => word.endsWith(".ts"));
const files = named.length > 0 ? named : testFiles();

const folder = await Deno.makeTempDir();
const program = `${folder}/yodel.js`;
const skips = `${folder}/skips`;
const results = `${folder}/results.xml`;

const total = { passed: 0, failed: 0, skipped: 0 };
const suites: { readonly name: string; readonly seconds: number }[] = [];

try {
  const packages = await output("task", "--quiet", "packages", "main.ts", "jsr:@std/assert@1.0.19");
  await output("task", "--quiet", "bundle", program);
  const isAlone = (file: string) => ALONE.includes(file);
  await test(files.filter((file) => !isAlone(file)), ["--parallel", ...packages]);
  for (const file of files.filter(isAlone)) await test([file], packages);
  console.log(await summary());
} finally {
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(total.failed > 0 ? 1 : 0);

function testFiles(): string[] {
  return [...Deno.readDirSync("tests")].map(({ name }) => `tests/${name}`)
    .filter((file) => file.endsWith("_test.ts")).toSorted();
}

/** Runs deno to its end and returns the words that it printed. */
async function output(...args: string[]): Promise<string[]> {
  const { success, stdout } = await new Deno.Command(deno, { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`failed: deno ${args.join(" ")}`);
  return new TextDecoder().decode(stdout).split(/\s+/).filter((word) => word !== "");
}

/** Runs some test files, and adds up their results. */
async function test(files: readonly string[], options: readonly string[]): Promise<void> {
  if (files.length === 0) return;
  const { success } = await new Deno.Command(deno, {
    args: [
      ...["test", "--no-check", "--allow-all", "--sanitize-ops", "--sanitize-resources"],
      ...options,
      `--junit-path=${results}`,
      ...flags,
      ...files,
      ...rest,
    ],
    env: { DENO_JOBS: String(JOBS), YODEL_PROGRAM: program, YODEL_SKIPS: skips },
  }).spawn().status;
  const report = await Deno.readTextFile(results).catch(() => "");
  let failures = 0;
  for (const [, name = "", cases = ""] of report.matchAll(SUITE)) {
    const count = (tag: string) => cases.split(tag).length - 1;
    const times = [...cases.matchAll(/ time="(.*?)"/g)].map(([, time]) => Number(time));
    total.passed += count("<testcase") - count("<failure") - count("<skipped");
    total.skipped += count("<skipped");
    failures += count("<failure");
    suites.push({ name, seconds: times.reduce((sum, time) => sum + time, 0) });
  }
  // A file that cannot be loaded has no results.
  total.failed += success ? failures : Math.max(failures, 1);
  await Deno.remove(results).catch(() => {});
}

async function summary(): Promise<string> {
  const { passed, failed, skipped } = total;
  const reasons = new Set((await Deno.readTextFile(skips).catch(() => "")).trimEnd().split("\n"));
  const why = skipped > 0 ? ` (${[...reasons].join(", ")})` : "";
  const slowest = suites.toSorted((a, b) => b.seconds - a.seconds).slice(0, 3)
    .map(({ name, seconds }) => `${name.slice("./tests/".length)} ${seconds.toFixed(1)} s`);
  return `${passed} passed, ${failed} failed, ${skipped} skipped${why}; slowest: ` +
    slowest.join(", ");
}
