/** What a table of commands is: for each command how it is drawn, and when replies say the same. One file of `commands` for each type. */
import type { Draw } from './draw.ts';
import type { Words } from './peer.ts';
import { parseReply } from './reply.ts';
import { exact, type Rule } from './rules.ts';

/** A command by which Redis becomes what the store is, and what it must answer. */
export interface Mending {
  readonly words: Words;
  readonly reply: string;
}

export interface CommandSource {
  /** Words behind the name. */
  readonly draw: (draw: Draw) => Words;
  /** When replies say the same; by default byte for byte. */
  readonly rule?: Rule | undefined;
  /** The same, where it depends on the command's words, of which the first is its name. */
  readonly ruleFor?: (words: Words) => Rule;
  /** How often it is drawn, beside others of its table; by default 1. */
  readonly weight?: number;
  /** After replies that chance decided. A command that has it is in no transaction. */
  readonly mend?: (words: Words, redis: Buffer, store: Buffer) => readonly Mending[];
}

/** Commands by their names, in upper case. */
export type CommandSources = Readonly<Record<string, CommandSource>>;

export function ruleOf(source: CommandSource | undefined, words: Words): Rule {
  return source?.ruleFor?.(words) ?? source?.rule ?? exact;
}

/** The texts of a reply: of itself, or of its items. */
export function textsOf(reply: Buffer): Buffer[] {
  const { text, items } = parseReply(reply);
  const texts = items === undefined ? [text] : items.map((item) => item.text);
  return texts.flatMap((one) => (one === undefined ? [] : [Buffer.from(one, 'latin1')]));
}
