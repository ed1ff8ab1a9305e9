/** A thread whose function fails, or throws what is an answer to people. */
import { thread } from "../../async/threads.ts";
import { YodelError } from "../../errors/yodel_error.ts";

thread("failing", import.meta.url, () => ({
  wait: () => new Promise(() => {}),
  fail(message: string) {
    throw new Error(`no ${message}`);
  },
  refuse(message: string) {
    throw new YodelError(`no ${message}`);
  },
}));
