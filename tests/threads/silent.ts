/** A thread that never says that it listens. */
addEventListener("message", () => {});
