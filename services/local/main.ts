import process from 'node:process';
import { EXIT } from '@dpr/runtime/exit-codes';
import { parseOptions } from './options.ts';
import { StartError } from './start-checks.ts';
import { runLocal } from './run-local.ts';
import { chooseShow } from './view/show.ts';

const options = parseOptions(process.argv.slice(2));
const show = chooseShow(options, process.stdout);

try {
  process.exit(await runLocal(options, show));
} catch (error) {
  if (!(error instanceof StartError)) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(EXIT.internal);
  }
  if (options.json) show.event({ event: 'cannotStart', problems: error.problems });
  process.stderr.write(['The cluster cannot start:', ...error.problems].join('\n  ') + '\n');
  process.exit(EXIT.config);
}
