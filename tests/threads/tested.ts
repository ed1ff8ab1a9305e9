/** A thread that listens late, and whose functions return, fail, or throw an error for people. */
import { thread } from "../../async/threads.ts";
import { YodelError } from "../../errors/yodel_error.ts";

await new Promise((resolve) => setTimeout(resolve, 400));
thread("tested", import.meta.url, () => ({
  echo: (message: string) => message,
  wait: () => new Promise(() => {}),
  fail(message: string) {
    throw new Error(`no ${message}`);
  },
  refuse(message: string) {
    throw new YodelError(`no ${message}`);
  },
}));
