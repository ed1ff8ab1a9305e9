/** A thread of a server that listens, serves, and dies. */
import { listen } from "../../async/threads.ts";

const tell = listen(() => {
  tell("serving");
  setTimeout(() => {
    throw new Error("died on purpose");
  });
});
