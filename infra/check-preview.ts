// Reads `pulumi preview --json` from standard input and fails where it would delete a volume or make a worker anew, as in
//   pulumi preview --json | npx tsx infra/check-preview.ts
import { text } from 'node:stream/consumers';
import { harms } from './preview.ts';

const found = harms(await text(process.stdin));
for (const harm of found) process.stderr.write(`${harm}\n`);
process.exitCode = found.length === 0 ? 0 : 1;
