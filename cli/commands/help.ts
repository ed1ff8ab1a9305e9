/**
 * `yodel help`.
 *
 * @module
 */
import { quoted } from "../../net/escape.ts";
import { command } from "../command.ts";
import { ALL_WELL } from "../exit.ts";
import { commandHelp, programHelp } from "../help.ts";
import { nearest } from "../nearest.ts";
import { print } from "../stdio.ts";
import { UsageError } from "../usage_error.ts";

export const helpCommand = command({
  summary: "Show the help of yodel, or of a command",
  example: "yodel help load",
  operands: "command",
  flags: {},
  async run({ word }, { commands }) {
    const found = Object.hasOwn(commands, word) ? commands[word] : undefined;
    if (word !== "" && found === undefined) {
      const near = nearest(word, Object.keys(commands));
      const advice = near === undefined ? "see yodel help" : `did you mean ${near}?`;
      throw new UsageError(`unknown command ${quoted(word)}; ${advice}`);
    }
    await print(found === undefined ? programHelp(commands) : commandHelp(word, found));
    return ALL_WELL;
  },
});
