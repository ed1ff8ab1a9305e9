/**
 * The program: runs the command line and exits with its status.
 *
 * @module
 */
import { isThread } from "./async/threads.ts";
import { runCommandLine } from "./cli/run.ts";

if (import.meta.main && !isThread) Deno.exit(await runCommandLine(Deno.args, Deno.exit));
