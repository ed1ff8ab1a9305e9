import type { Commands } from "./command.ts";
import { completionsCommand } from "./commands/completions.ts";
import { connectCommand } from "./commands/connect.ts";
import { helpCommand } from "./commands/help.ts";
import { loadCommand } from "./commands/load.ts";
import { pingCommand } from "./commands/ping.ts";
import { serveCommand } from "./commands/serve.ts";

/** The commands of the program by their names, in the order of the help. */
export const commands: Commands = {
  serve: serveCommand,
  connect: connectCommand,
  ping: pingCommand,
  load: loadCommand,
  completions: completionsCommand,
  help: helpCommand,
};
