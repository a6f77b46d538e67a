import assert from 'node:assert/strict';
import { EXIT_USAGE } from '../../services/local/command-line.ts';
import { parseOptions, type Options } from './command/options.ts';
import { replayCommand } from './command/replay.ts';
import { parseShare, shareOf } from './command/share.ts';
import { listOf, MAX_LISTED } from './command/violation-reports.ts';
import { HUNTED_IN, MUTANTS, numberOf } from './mutants/index.ts';
import { SPECIAL_WORLD_NAMES } from './special-worlds.ts';

const COMMIT = '0123456789ab';

function optionsOf(...words: string[]): Options {
  return parseOptions(['--json', '--jobs', '1', ...words]);
}

/** How the command ends when it is given wrong options. */
function refusal(...words: string[]): { readonly code: unknown; readonly text: string } {
  const exit = process.exit.bind(process);
  const write = process.stderr.write.bind(process.stderr);
  let [code, text]: [unknown, string] = [undefined, ''];
  process.exit = (given) => {
    code ??= given;
    throw new Error('ended');
  };
  process.stderr.write = (chunk: unknown) => {
    text += String(chunk);
    return true;
  };
  try {
    assert.throws(() => parseOptions(words), /^Error: ended$/);
  } finally {
    process.exit = exit;
    process.stderr.write = write;
  }
  return { code, text };
}

describe("the simulator's command", () => {
  describe('a share of the mutants', () => {
    it('is each one once in all shares together, and about as large as the others', () => {
      const shares = Array.from({ length: 10 }, (_, at) => shareOf(MUTANTS, { number: at + 1, of: 10 }));
      assert.deepEqual(new Set(shares.flat()), new Set(MUTANTS));
      assert.equal(shares.flat().length, MUTANTS.length);
      const sizes = shares.map(({ length }) => length);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, sizes.join(' '));
    });

    it('is given as one of n', () => {
      assert.deepEqual(parseShare('1/10'), { number: 1, of: 10 });
      assert.deepEqual(parseShare('10/10'), { number: 10, of: 10 });
      for (const wrong of ['0/10', '11/10', '3', '3/', '-1/10', '3/10/2', ' 3/10', '']) {
        assert.throws(() => parseShare(wrong), /is no share: give one such as 3\/10/, wrong);
      }
    });

    it('is all of them unless told otherwise', () => {
      const { share, mutants } = optionsOf('--mutants');
      assert.ok(mutants);
      assert.equal(shareOf(MUTANTS, share).length, MUTANTS.length);
    });

    it('is refused where no mutant is hunted, as is every option that would be ignored', () => {
      const wrong: [words: string[], text: RegExp][] = [
        [['--share', '3/10'], /--share needs --mutants/],
        [['--only', '35'], /--only needs --mutants/],
        [['--mutants', '--share', '0/10'], /'0\/10' is no share/],
        [['--resume', 'run'], /--resume needs --seeds/],
        [['--seed', '1', '--resume', 'run'], /'--resume <file>' cannot be used with option '--seed <seed>'/],
        [['--mutants', '--kind', 'steady'], /'--kind <world>' cannot be used with option '--mutants'/],
        [['--kind', 'stedy'], /Allowed choices are steady/],
      ];
      for (const [words, expected] of wrong) {
        const { code, text } = refusal(...words);
        assert.match(text, expected);
        assert.equal(code, EXIT_USAGE, text);
      }
    });
  });

  it('hunts mutants that there are in worlds that there are, and says how to see a seed of it again', () => {
    const numbers = MUTANTS.map(numberOf);
    for (const [number, world] of Object.entries(HUNTED_IN)) {
      assert.ok(numbers.includes(number), `no mutant has the number ${number}`);
      assert.ok(SPECIAL_WORLD_NAMES.includes(world), world);
    }
    const run = { seed: 7, draw: 'steady', world: undefined, mutant: undefined } as const;
    assert.equal(replayCommand(run), 'npm run simulate -- --seed 7 --kind steady --trace');
    assert.equal(optionsOf('--seed', '7', '--kind', 'steady').draw, 'steady');
  });

  it('lists as many violations as fit into the text of an issue', () => {
    const text = 'x'.repeat(1_000);
    const all = Array.from({ length: MAX_LISTED + 1 }, (_, at) => ({ seed: 20_991_231_000_000 + at, text }));
    const how = { commit: `${COMMIT} + changes`, draw: 'succession', mutant: undefined } as const;
    const full = listOf(all.slice(0, MAX_LISTED), how);
    assert.ok(full.length < 60_000 && !full.includes('more'), `${full.length}`);
    assert.match(listOf(all, how), /\nand 1 more\n$/);
  });
});
