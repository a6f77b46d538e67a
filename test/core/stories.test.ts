import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { STORIES } from './stories.ts';

const GOLDEN = new URL('golden/', import.meta.url);
/** `npm run golden` sets it. */
const UPDATE = process.env.UPDATE_GOLDEN !== undefined;

describe('the stories of Finder, workers and session', () => {
  for (const [title, tell] of Object.entries(STORIES)) {
    it(`${title}: every event and effect as in its golden file`, async () => {
      const file = new URL(fileOf(title), GOLDEN);
      const told = tell();
      if (UPDATE) await mkdir(GOLDEN, { recursive: true }).then(() => writeFile(file, told));
      const golden = await readFile(file, 'utf8');
      assert.deepEqual(told.split('\n'), golden.split('\n'), `${title}: "npm run golden" writes what there is now`);
    });
  }

  it('have no golden files left over', async () => {
    assert.deepEqual((await readdir(GOLDEN)).sort(), Object.keys(STORIES).map(fileOf).sort());
  });
});

function fileOf(title: string): string {
  return `${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}.txt`;
}
