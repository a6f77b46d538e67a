/** `npm run simulate`: the core of the cluster under every fault, by seed. `--help` tells what it can do. */
import { EXIT_USAGE } from '../../services/local/command-line.ts';
import { UnfitRunError } from './command/kept-run.ts';
import { parseOptions, SIMULATE_EXIT } from './command/options.ts';
import { runMany } from './command/run-many.ts';
import { runMutants } from './command/run-mutants.ts';
import { runOne } from './command/run-one.ts';
import { writeCoverage, writeDefects, writeMutants } from './command/write-tables.ts';

const options = parseOptions(process.argv.slice(2));
let good: boolean;
/** A slice of a run leaves the tables to the last one. */
let writes = options.write;
if (options.mutants) {
  const hunted = await runMutants(options);
  if (options.write) await writeMutants(hunted);
  good = hunted.every(({ seeds }) => seeds !== undefined);
} else if (options.seed === undefined) {
  const { summary, isWhole, good: isGood } = await runMany(options).catch(refuse);
  writes &&= isWhole;
  if (writes) await writeCoverage(summary);
  good = isGood;
} else {
  good = await runOne(options.seed, options);
}
if (writes) await writeDefects();
process.exit(good ? SIMULATE_EXIT.ok : SIMULATE_EXIT.failed);

function refuse(error: unknown): never {
  if (!(error instanceof UnfitRunError)) throw error;
  console.error(`error: ${error.message}`);
  process.exit(EXIT_USAGE);
}
