import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PUBLISHED } from '../../scripts/packages/published.mjs';
import { built, HANGS_MS, SHORTS } from './built.ts';

const GOLDEN = path.join(import.meta.dirname, 'golden');
const UPDATE = process.env.UPDATE_GOLDEN !== undefined;

describe('what packages export', function () {
  this.timeout(HANGS_MS);

  it('is what golden/ tells for each entry; npm run golden writes it', async () => {
    const packages = Object.values(await built());
    const reports = new Map<string, string>();
    for (const file of packages.flatMap((one) => Object.values(one.reports))) {
      reports.set(path.basename(file), await readFile(file, 'utf8'));
    }
    if (UPDATE) for (const [name, text] of reports) await writeFile(path.join(GOLDEN, name), text);
    assert.equal(reports.size, SHORTS.flatMap((short) => Object.keys(PUBLISHED[short].entries)).length);
    assert.deepEqual((await readdir(GOLDEN)).sort(), [...reports.keys()].sort());
    for (const [name, text] of reports) assert.equal(text, await readFile(path.join(GOLDEN, name), 'utf8'));
  });

  it('tells declarations, and nothing of where they were made', async () => {
    const client = await readFile(path.join(GOLDEN, 'client.api.md'), 'utf8');
    assert.match(client, /^export function connect\(options: ConnectOptions\): Promise<Cluster>;$/m);
    assert.match(client, /^export class OverflowError extends DprError \{$/m);
    for (const name of await readdir(GOLDEN)) {
      const text = await readFile(path.join(GOLDEN, name), 'utf8');
      assert.doesNotMatch(text, /^\/\/ (Warning|\/)|node_modules/m, name);
    }
  });
});
