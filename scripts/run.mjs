// Runs a program of the project by the name of its bundle, as in `node scripts/run.mjs dpr status`, after installing and
// bundling what is missing. The program runs in this very process, so signals and exit codes are its own.
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { ensureInstalled } from './install.mjs';

ensureInstalled({ withTools: false });
const { bundle, DIST, PROGRAMS } = await import('./bundle.mjs'); // only now: it imports what was just installed
const [node = process.execPath, , program = '', ...rest] = process.argv;
if (!(program in PROGRAMS)) {
  process.stderr.write(`There is no program "${program}": use one of ${Object.keys(PROGRAMS).join(', ')}.\n`);
  process.exit(1);
}
await bundle();
const file = path.join(DIST, `${program}.js`);
process.argv = [node, file, ...rest];
await import(pathToFileURL(file).href);
