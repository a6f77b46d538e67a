/** Files for readers of other languages, made from the code: compared with it, and written anew by `npm run golden`. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.join(import.meta.dirname, '../../services/protocol');

export function checkGoldenFile(name: string, value: unknown): void {
  const file = path.join(FOLDER, name);
  const text = `${JSON.stringify(value, null, 1)}\n`;
  if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(file, text);
  const golden = readFileSync(file, 'utf8');
  assert.deepEqual(golden.split('\n'), text.split('\n'), `${name}: "npm run golden" writes what there is now`);
}
