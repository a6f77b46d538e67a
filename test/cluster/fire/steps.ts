/** Steps of a writer, drawn from the tables of the differential test, on keys that are its own. */
import { TABLES, TABLE_NAMES, type TableName } from '../../resp/differential/commands/index.ts';
import type { CommandSources } from '../../resp/differential/command-source.ts';
import { allKeys, type Draw } from '../../resp/differential/draw.ts';
import type { Words } from '../../resp/differential/peer.ts';
import { StepDraw } from '../../resp/differential/steps.ts';
import type { Step } from './history.ts';

/** Commands on keys of all writers. */
const ON_ALL = ['KEYS', 'SCAN', 'RANDOMKEY', 'DBSIZE', 'FLUSHDB', 'FLUSHALL'];
const KEYS: ReadonlySet<string> = new Set([...allKeys(), 'missing', 'lex0', 'lex1', 'lex-missing']);

export class WriterSteps {
  readonly #draw: StepDraw;
  readonly #prefix: string;
  #ready: Step[] = [];
  readonly keys: readonly string[];

  /** @param has whether the store and the model both have a command */
  constructor(draw: Draw, prefix: string, only: readonly TableName[], has: (name: string) => boolean) {
    this.#draw = new StepDraw(draw, only, (name) => has(name) && isForOwnKeys(name), 0);
    this.#prefix = prefix;
    this.keys = [...KEYS].map((key) => prefix + key);
  }

  next(): Step {
    for (;;) {
      const step = this.#ready.shift();
      if (step !== undefined) return step;
      this.#ready = this.#draw.next().flatMap(({ commands, untilGone }) => {
        const all = commands.map(({ words }) => words.map((word) => this.#own(word)));
        return untilGone === undefined && isWhole(all) && !all.some(isOfDatabases) ? [{ commands: all }] : [];
      });
    }
  }

  #own(word: string | Buffer): string | Buffer {
    return typeof word === 'string' && KEYS.has(word) ? this.#prefix + word : word;
  }
}

/** What chance decides cannot be repeated by the model. */
function isForOwnKeys(name: string): boolean {
  const tables: readonly CommandSources[] = TABLE_NAMES.map((table) => TABLES[table]);
  return !ON_ALL.includes(name) && tables.every((sources) => sources[name]?.mend === undefined);
}

/** A transaction in which nothing ends it early. */
function isWhole(commands: readonly Words[]): boolean {
  const names = commands.slice(1, -1).map(([name]) => String(name).toUpperCase());
  return !names.includes('EXEC') && !names.includes('MULTI');
}

function isOfDatabases(words: Words): boolean {
  return words.some((word) => String(word).toUpperCase() === 'DB');
}
