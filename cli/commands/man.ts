import { command } from "../command.ts";
import { ALL_WELL } from "../exit.ts";
import { manPage } from "../man.ts";
import { print } from "../stdio.ts";

export const manCommand = command({
  summary: "Print the manual page of yodel",
  example: "yodel man | man -l -",
  operands: [],
  flags: {},
  async run(_invocation, { commands, version }) {
    await print(manPage(commands, version, new Date()));
    return ALL_WELL;
  },
});
