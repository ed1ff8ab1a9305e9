/** A thread of a server that listens, serves, and dies. */
import { thread } from "../../async/threads.ts";

thread("server", import.meta.url, (send) => () => {
  send("serving");
  setTimeout(() => {
    throw new Error("died on purpose");
  });
});
