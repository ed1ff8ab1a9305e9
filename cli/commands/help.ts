import { quoted } from "../../net/escape.ts";
import { command } from "../command.ts";
import { SUCCESS } from "../exit.ts";
import { commandHelp, programHelp } from "../help.ts";
import { nearest } from "../../values/nearest.ts";
import { print } from "../stdio.ts";
import { topics } from "../topics.ts";
import { YodelError } from "../../errors/yodel_error.ts";

export const helpCommand = command({
  summary: "Show the help of yodel, or of a command",
  example: "yodel help load",
  operands: "command",
  flags: {},
  async run({ word }, { commands }) {
    const topic = Object.hasOwn(topics, word) ? topics[word] : undefined;
    const found = Object.hasOwn(commands, word) ? commands[word] : undefined;
    if (word !== "" && found === undefined && topic === undefined) {
      const near = nearest(word, [...Object.keys(commands), ...Object.keys(topics)]);
      const advice = near === undefined ? "see yodel help" : `did you mean ${near}?`;
      throw new YodelError(`unknown command ${quoted(word)}; ${advice}`);
    }
    const text = topic?.() ??
      (found === undefined ? programHelp(commands) : commandHelp(word, found));
    await print(text);
    return SUCCESS;
  },
});
