/** Prints "PASSED FAILED" of the counts that a run of tests left in a file, and to standard error a line for each test that failed. */
import { existsSync, readFileSync } from 'node:fs';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly failures: readonly { readonly title: string; readonly error: string }[];
}

const [file = '', name = ''] = process.argv.slice(2);
const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
let good = 0;
let bad = 0;
for (const line of lines) {
  const { passed, failed, failures } = JSON.parse(line) as Counts;
  good += passed;
  bad += failed;
  for (const { title, error } of failures) {
    console.error(`== FAILED in ${name}: ${title}: ${error.replace(/\s+/g, ' ').slice(0, 300)}`);
  }
}
console.log(good, bad);
