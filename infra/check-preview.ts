// Reads `pulumi preview --json` from standard input and fails where it would delete a volume or make a worker anew, as in
//   pulumi preview --json | npx tsx infra/check-preview.ts
// With the name of the stack it also prints what the preview would do, for the comment of a pull request.
import { text } from 'node:stream/consumers';
import { harms } from './preview-harms.ts';
import { summary } from './preview-summary.ts';

/** What is wrong, one line each. */
function complaints(json: string, stack: string | undefined): string[] {
  try {
    if (stack !== undefined) process.stdout.write(summary(json, stack));
    return harms(json);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

const [stack] = process.argv.slice(2);
const found = complaints(await text(process.stdin), stack);
for (const complaint of found) process.stderr.write(`${complaint}\n`);
process.exitCode = found.length === 0 ? 0 : 1;
