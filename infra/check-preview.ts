// Reads `pulumi preview --json` from standard input and fails where it would delete a volume or make a worker anew, as in
//   pulumi preview --json | npx tsx infra/check-preview.ts
import { text } from 'node:stream/consumers';
import { harms } from './preview-harms.ts';

/** What is wrong, one line each. */
function complaints(json: string): string[] {
  try {
    return harms(json);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

const found = complaints(await text(process.stdin));
for (const complaint of found) process.stderr.write(`${complaint}\n`);
process.exitCode = found.length === 0 ? 0 : 1;
