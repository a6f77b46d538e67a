/** What a run has to say of the blocks: which were missed, and what the list of those that need not be reached says wrongly. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../mutate.ts';
import { UNREACHABLE, type Unreachable } from './unreachable.ts';

/** A block, and how often it ran. */
export interface Reached {
  /** Relative to the root. */
  readonly file: string;
  readonly line: number;
  /** The list's place of the block that it is in; undefined outside of all. */
  readonly within: number | undefined;
  readonly times: number;
}

export interface Branches {
  readonly blocks: number;
  readonly reached: number;
  /** Blocks that did not run and need not. */
  readonly excused: number;
  /** What is wrong, one line each. */
  readonly wrong: readonly string[];
  /** Those that ran least often, rarest first. */
  readonly rarest: readonly { readonly place: string; readonly text: string; readonly times: number }[];
}

const RAREST = 10;

/** Lines of a source that a block may begin on without being reached. */
export interface Excuse {
  readonly file: string;
  readonly text: string;
  readonly lines: ReadonlySet<number>;
  readonly isRare: boolean;
}

/** @param blocks each after the one that it is in */
export function judge(blocks: readonly Reached[]): Branches {
  const { excuses, wrong } = readExcuses();
  const used = new Set<Excuse>();
  /** A block in one that never ran cannot run either: it shares its fate. */
  const fates: ('ran' | 'excused' | 'missed')[] = [];
  for (const block of blocks) {
    const outer = block.within === undefined ? 'ran' : (fates[block.within] ?? 'ran');
    if (block.times > 0 || outer !== 'ran') {
      fates.push(block.times > 0 ? 'ran' : outer);
      continue;
    }
    const excuse = excuses.find(({ file, lines }) => block.file === file && lines.has(block.line));
    if (excuse) used.add(excuse);
    else wrong.push(`never reached: ${placeOf(block)}  ${lineOf(block)}`);
    fates.push(excuse ? 'excused' : 'missed');
  }
  for (const excuse of excuses) {
    const { file, text, isRare } = excuse;
    if (!isRare && !used.has(excuse)) wrong.push(`reached, and should be unreachable: ${file}  ${text}`);
  }
  const ran = blocks.filter(({ times }) => times > 0).sort((a, b) => a.times - b.times);
  return {
    blocks: blocks.length,
    reached: ran.length,
    excused: fates.filter((fate) => fate === 'excused').length,
    wrong,
    rarest: ran.slice(0, RAREST).map((block) => ({ place: placeOf(block), text: lineOf(block), times: block.times })),
  };
}

/** The list, with the lines that its texts are on; a text that is not in exactly one place says nothing of any. */
export function readExcuses(list: readonly Unreachable[] = UNREACHABLE): { excuses: Excuse[]; wrong: string[] } {
  const excuses: Excuse[] = [];
  const wrong: string[] = [];
  for (const { blocks, isRare = false } of list) {
    for (const [name, texts] of Object.entries(blocks)) {
      const file = `services/${name}`;
      const lines = linesOf(file);
      if (texts.length === 0) excuses.push({ file, text: '', lines: new Set(lines.keys()).add(lines.length), isRare });
      for (const text of texts) {
        const found = linesWith(lines, text);
        if (found.length === 1) excuses.push({ file, text, lines: new Set(found[0]), isRare });
        else wrong.push(`${file} has ${found.length} places with: ${text}`);
      }
    }
  }
  return { excuses, wrong };
}

/** For each place where the text is, which may go over several lines, the numbers of these. */
function linesWith(lines: readonly string[], text: string): number[][] {
  const words = lines.map((line) => line.trim());
  const whole = words.join(' ');
  const places: number[][] = [];
  for (let at = whole.indexOf(text); at >= 0; at = whole.indexOf(text, at + 1)) {
    const numbers: number[] = [];
    let start = 0;
    for (const [index, line] of words.entries()) {
      if (start < at + text.length && start + line.length > at) numbers.push(index + 1);
      start += line.length + 1;
    }
    places.push(numbers);
  }
  return places;
}

function linesOf(file: string): readonly string[] {
  return readFileSync(path.join(ROOT, file), 'utf8').split('\n');
}

function lineOf({ file, line }: Reached): string {
  return (linesOf(file)[line - 1] ?? '').trim();
}

function placeOf({ file, line }: Reached): string {
  return `${file}:${line}`;
}
