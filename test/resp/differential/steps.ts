/** Draws steps: commands, such with a mistake in them, transactions, keys that are watched, and times that are over soon. */
import type { CommandSource } from './command-source.ts';
import { TABLES, TABLE_NAMES, type TableName } from './commands/index.ts';
import type { Draw } from './draw.ts';
import type { Words } from './peer.ts';
import type { Command, Step } from './servers.ts';

/** How often a table is drawn beside those of types, where these are two of all. */
const COMMON_TABLES: readonly TableName[] = ['keys', 'expiry'];
const COMMON_CHANCE = 0.1;
const MISTAKE_CHANCE = 0.03;
const TRANSACTION_CHANCE = 0.02;
const WATCH_CHANCE = 0.01;
const PASSING_CHANCE = 0.001;
const DISCARD_CHANCE = 0.1;
const MAX_QUEUED = 8;
const MAX_SOON_MS = 20;
const MISTAKES = [
  '',
  'abc',
  '-1',
  '0',
  '9223372036854775807',
  '9223372036854775808',
  '1.5',
  'nan',
  'inf',
  ' 1',
  'string0',
];
/** What Redis takes for a cursor, and the store does not: its own are smaller, and are numbers. */
const CURSORS = ['', '-1', '9223372036854775807', '9223372036854775808'];
/** Keys of which Redis promises what it answers only while no mistake is made with them begin so. */
const DELICATE = 'lex';

interface Choice {
  readonly name: string;
  readonly source: CommandSource;
  /** Of this and all before it in its table. */
  readonly weight: number;
}

export class StepDraw {
  readonly #draw: Draw;
  readonly #mistakeChance: number;
  readonly #types: readonly (readonly Choice[])[];
  readonly #common: readonly (readonly Choice[])[];
  /** The commands that may come. */
  readonly names: readonly string[];

  /**
   * @param only the tables to draw from, beside commands for any key
   * @param has whether both servers have a command
   * @param mistakeChance of commands: one word is wrong, perhaps a key
   */
  constructor(draw: Draw, only: readonly TableName[], has: (name: string) => boolean, mistakeChance = MISTAKE_CHANCE) {
    this.#draw = draw;
    this.#mistakeChance = mistakeChance;
    const choices = (names: readonly TableName[]) =>
      names.map((name) => choicesOf(name, has)).filter((table) => table.length > 0);
    this.#types = choices(TABLE_NAMES.filter((name) => only.includes(name) && !COMMON_TABLES.includes(name)));
    this.#common = choices(COMMON_TABLES);
    this.names = [...this.#types, ...this.#common].flatMap((table) => table.map(({ name }) => name));
  }

  next(): readonly Step[] {
    const draw = this.#draw;
    const kind = draw.next();
    if (kind < PASSING_CHANCE) return [this.#passing()];
    if (kind < PASSING_CHANCE + WATCH_CHANCE) return this.#watched();
    if (kind < PASSING_CHANCE + WATCH_CHANCE + TRANSACTION_CHANCE) return [this.#transaction()];
    const command = this.#command();
    return [{ commands: [command], isAlone: command.source?.mend !== undefined }];
  }

  #command(): Command {
    const draw = this.#draw;
    const isCommon = this.#types.length === 0 || draw.chance(COMMON_CHANCE);
    const table = draw.pick(isCommon ? this.#common : this.#types);
    const weight = draw.real(0, table.at(-1)?.weight ?? 0);
    const choice = table.find((one) => one.weight > weight);
    if (choice === undefined) throw new Error('the table is empty');
    const words = [draw.word(choice.name), ...choice.source.draw(draw)];
    return { words: draw.chance(this.#mistakeChance) ? this.#mistaken(words) : words, source: choice.source };
  }

  #mistaken(words: Words): Words {
    const draw = this.#draw;
    if (String(words[1]).startsWith(DELICATE)) return words;
    const isScan = String(words[0]).toUpperCase().endsWith('SCAN');
    const mistake = draw.pick(isScan ? MISTAKES.filter((text) => !CURSORS.includes(text)) : MISTAKES);
    const kind = draw.int(0, 3);
    if (kind === 0) return words.length === 1 ? words : words.slice(0, -1);
    if (kind === 1) return [...words, mistake];
    const at = draw.int(1, Math.max(1, words.length - 1));
    return words.map((word, index) => (index === at ? mistake : word));
  }

  /** A command whose replies chance does not change anything by. */
  #settled(): Command {
    for (;;) {
      const command = this.#command();
      if (command.source?.mend === undefined) return command;
    }
  }

  #transaction(before: readonly Command[] = []): Step {
    const draw = this.#draw;
    const plain = (...words: string[]): Command => ({ words, source: undefined });
    const queued = Array.from({ length: draw.int(0, MAX_QUEUED) }, () => this.#settled());
    const wrong = draw.chance(0.05) ? [plain(...draw.pick([['MULTI'], ['EXEC', 'x']]))] : [];
    const end = plain(draw.chance(DISCARD_CHANCE) ? 'DISCARD' : 'EXEC');
    return { commands: [...before, plain('MULTI'), ...wrong, ...queued, end] };
  }

  /** Keys are watched, which another connection may change before the transaction. */
  #watched(): readonly Step[] {
    const draw = this.#draw;
    const watch = {
      words: ['WATCH', ...Array.from({ length: draw.int(1, 3) }, () => draw.anyKey())],
      source: undefined,
    };
    const disturb = { commands: [this.#settled()], isBySecond: true };
    const forget = { commands: [{ words: ['UNWATCH'], source: undefined }] };
    return [
      { commands: [watch] },
      ...(draw.chance(0.7) ? [disturb] : []),
      ...(draw.chance(0.1) ? [forget] : []),
      this.#transaction(),
    ];
  }

  /** A key whose time is over after some ms. */
  #passing(): Step {
    const draw = this.#draw;
    const key = draw.anyKey();
    const ms = String(draw.int(1, MAX_SOON_MS));
    const words = draw.pick([
      ['PEXPIRE', key, ms],
      ['SET', key, 'soon', 'PX', ms],
      ['PSETEX', key, ms, 'soon'],
    ]);
    return { commands: [{ words, source: undefined }], isAlone: true, untilGone: key };
  }
}

function choicesOf(table: TableName, has: (name: string) => boolean): readonly Choice[] {
  let sum = 0;
  return Object.entries<CommandSource>(TABLES[table])
    .filter(([name]) => has(name))
    .map(([name, source]) => ({ name, source, weight: (sum += source.weight ?? 1) }));
}
