/** The command line of the simulator. */
import { availableParallelism } from 'node:os';
import { Option } from 'commander';
import { checked, commandLine, EXIT_USAGE, whole, word } from '../../../services/local/command-line.ts';
import { mutantNamed } from '../mutants/index.ts';
import type { Draw } from '../draw.ts';
import { parseWorld, type WorldOptions } from '../options.ts';
import { SPECIAL_WORLD_NAMES, type SpecialWorldName } from '../special-worlds.ts';
import { parseShare, WHOLE, type Share } from './share.ts';

export const SIMULATE_EXIT = {
  ok: 0,
  /** An invariant does not hold, a mutant survived, or something that must be reached was not. */
  failed: 1,
} as const;

/** Seeds that a mutant may take, unless told otherwise. */
export const MUTANT_SEEDS = 10_000;

export interface Options {
  /** How many seeds; undefined: until told to stop. */
  readonly seeds: number | undefined;
  /** After this long no seed is begun. */
  readonly seconds: number | undefined;
  readonly from: number | undefined;
  readonly jobs: number;
  readonly keep: boolean;
  /** The file that holds what is done of the run. */
  readonly resume: string | undefined;
  /** The directory for what is known of violations. */
  readonly report: string | undefined;
  readonly draw: Draw;
  readonly coverage: boolean;
  readonly seed: number | undefined;
  readonly trace: boolean;
  readonly frames: boolean;
  readonly minimize: boolean;
  readonly world: WorldOptions | undefined;
  /** The beginning of the name of a mutant to run with. */
  readonly mutant: string | undefined;
  readonly mutants: boolean;
  readonly only: string;
  readonly share: Share;
  readonly write: boolean;
  readonly json: boolean;
}

const MORE = `
Examples:
  npm run simulate                                  fresh seeds until Ctrl-C, or until one finds something
  npm run simulate -- --seeds 20000 --coverage      and what they reached; fails if something never happened
  npm run simulate -- --seeds 100000 --coverage --seconds 600 --resume /tmp/run
                                                    the same in slices of ten minutes: give it again until all is done
  npm run simulate -- --seed 7 --trace              the story of a seed
  npm run simulate -- --seed 7 --minimize           the smallest world in which the same goes wrong
  npm run simulate -- --mutants                     how many seeds catch each known mistake
  npm run simulate -- --mutants --share 3/10        the third tenth of them
  npm run simulate -- --mutant 17 --seed 1 --trace  the story of a seed with a mistake in the code

Exit codes: ${SIMULATE_EXIT.ok} nothing is wrong; ${SIMULATE_EXIT.failed} an invariant does not hold, a mutant survives, or something is never reached;
  ${EXIT_USAGE} wrong options.`;

/** What the command line asks for. Ends the process after `--help`, and with the reason when the options are wrong. */
export function parseOptions(words: readonly string[]): Options {
  const description = 'Runs the cluster in simulated time under every fault, and checks what must hold.';
  const command = commandLine('npm run simulate --', description)
    .option(
      '-n, --seeds <count>',
      `how many seeds (default: without end; for each mutant ${MUTANT_SEEDS})`,
      wholeNumber,
    )
    .option('--seconds <count>', 'how long (default: without end)', wholeNumber)
    .option('--from <seed>', 'the first one (default: the time; for mutants 1)', wholeNumber)
    .option('-j, --jobs <count>', 'processes that share the work', wholeNumber, availableParallelism())
    .option('--keep', 'go on after a violation', false)
    .addOption(
      new Option('--resume <file>', 'keep in this file what is done of the run, and go on from there')
        .argParser(word)
        .conflicts(['seed', 'mutants']),
    )
    .addOption(
      new Option('--report <directory>', 'write there what violates: seeds, smallest worlds, stories')
        .argParser(word)
        .conflicts(['seed', 'mutants']),
    )
    .option('--small', 'small and quiet worlds, to compare simulated with real time', false)
    .addOption(
      new Option('--kind <world>', 'special worlds of this kind alone')
        .choices(SPECIAL_WORLD_NAMES)
        .conflicts(['small', 'coverage', 'mutants']),
    )
    .option('--coverage', 'show what was reached; fail if something never was', false)
    .option('--seed <seed>', 'one seed', wholeNumber)
    .addOption(new Option('--trace', 'its story, a line for each event').default(false))
    .addOption(new Option('--frames', 'with every frame').default(false))
    .addOption(new Option('--minimize', 'make its world smaller while the same invariant is violated').default(false))
    .option('--world <json>', 'run in this world: a quiet one but for what is given, as --minimize prints it', world)
    .option('--mutant <name>', 'with a mistake in the code; the beginning of its name', mutant)
    .addOption(new Option('--mutants', 'every mistake, until it is caught').conflicts(['seed', 'mutant', 'coverage']))
    .option('--only <text>', 'only mutants with this in their names', '')
    .addOption(
      new Option('--share <k/n>', 'only the k-th of n shares of the mutants')
        .argParser(share)
        .default(WHOLE, 'all of them'),
    )
    .option('--write', "write the tables of the simulator's README anew", false)
    .option('--json', 'one JSON object per line, for scripts', false)
    .addHelpText('after', MORE);
  command.parse(words, { from: 'user' });
  const given = command.opts<
    Omit<Options, 'draw' | 'mutants'> & { small: boolean; kind?: SpecialWorldName; mutants?: boolean }
  >();
  const needsSeed = (['trace', 'frames', 'minimize', 'world'] as const).find((name) => given[name]);
  if (needsSeed && given.seed === undefined) command.error(`error: --${needsSeed} needs --seed`);
  if (given.resume !== undefined && given.seeds === undefined) command.error('error: --resume needs --seeds');
  if (!given.mutants && (given.share !== WHOLE || given.only !== '')) {
    command.error(`error: --${given.only === '' ? 'share' : 'only'} needs --mutants`);
  }
  return {
    seeds: given.seeds,
    seconds: given.seconds,
    from: given.from,
    jobs: Math.max(1, given.jobs),
    keep: given.keep,
    resume: given.resume,
    report: given.report,
    draw: given.small ? 'small' : (given.kind ?? 'usual'),
    coverage: given.coverage,
    seed: given.seed,
    trace: given.trace || given.frames,
    frames: given.frames,
    minimize: given.minimize,
    world: given.world,
    mutant: given.mutant,
    mutants: given.mutants ?? false,
    only: given.only,
    share: given.share,
    write: given.write,
    json: given.json,
  };
}

const wholeNumber = whole(0, Number.MAX_SAFE_INTEGER);

function world(text: string): WorldOptions {
  return checked(() => parseWorld(JSON.parse(text)));
}

function share(text: string): Share {
  return checked(() => parseShare(text));
}

function mutant(text: string): string {
  return checked(() => mutantNamed(text).name);
}
