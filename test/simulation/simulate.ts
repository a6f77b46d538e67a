/** `npm run simulate`: the core of the cluster under every fault, by seed. `--help` tells what it can do. */
import { parseOptions, SIMULATE_EXIT } from './command/options.ts';
import { runMany } from './command/run-many.ts';
import { runMutants } from './command/run-mutants.ts';
import { runOne } from './command/run-one.ts';
import { writeCoverage, writeDefects, writeMutants } from './command/write-tables.ts';

const options = parseOptions(process.argv.slice(2));
let good: boolean;
if (options.mutants) {
  const hunted = await runMutants(options);
  if (options.write) await writeMutants(hunted);
  good = hunted.every(({ seeds }) => seeds !== undefined);
} else if (options.seed === undefined) {
  const { summary, good: isGood } = await runMany(options);
  if (options.write) await writeCoverage(summary);
  good = isGood;
} else {
  good = await runOne(options.seed, options);
}
if (options.write) await writeDefects();
process.exit(good ? SIMULATE_EXIT.ok : SIMULATE_EXIT.failed);
