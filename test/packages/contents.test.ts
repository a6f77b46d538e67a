import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import * as tar from 'tar';
import { built, HANGS_MS, ROOT, runTool, SHORTS } from './built.ts';

/** What is bundled that is not ours, by a mark that only its code has. */
const LIBRARIES = {
  client: { ws: 'WebSocketServer', commander: 'CommanderError', zod: 'ZodMiniType' },
  runtime: { ws: 'WebSocketServer', pino: 'pino', 'prom-client': 'Registry' },
  opentelemetry: {},
  infra: {},
} as const;

/** Entry points that only `exports` tells: tools from before it cannot see them. */
const PROFILE = { client: 'strict', runtime: 'strict', opentelemetry: 'strict', infra: 'node16' } as const;

describe('a published package', function () {
  this.timeout(HANGS_MS);
  before(built);

  it('@dpr/client loads neither the options of the command nor schemas into an application', async () => {
    const { folder } = (await built()).client;
    const library = await readFile(path.join(folder, 'index.cjs'), 'utf8');
    for (const mark of [LIBRARIES.client.commander, LIBRARIES.client.zod]) assert.ok(!library.includes(mark), mark);
  });

  for (const short of SHORTS) {
    it(`@dpr/${short} is what publint takes for right, without a warning`, async () => {
      const { folder } = (await built())[short];
      const { status, output } = runTool('node_modules/publint/src/cli.js', ['run', folder, '--strict']);
      assert.match(output, /All good!/);
      assert.equal(status, 0, output);
    });

    it(`@dpr/${short} has the right types for import and for require, as attw says`, async () => {
      const { archive } = (await built())[short];
      const attw = 'node_modules/@arethetypeswrong/cli/dist/index.js';
      const { status, output } = runTool(attw, [archive, '--profile', PROFILE[short], '--format', 'ascii']);
      assert.equal(status, 0, output);
      assert.match(output, /node16 \(from CJS\): 🟢 \(CJS\)/u);
      assert.match(output, /node16 \(from ESM\): 🟢 \(ESM\)/u);
    });

    it(`@dpr/${short} has a document and a licence, and no source`, async () => {
      const { archive, folder } = (await built())[short];
      const files: string[] = [];
      await tar.list({ file: archive, onReadEntry: (entry) => files.push(entry.path.replace(/^package\//, '')) });
      for (const file of ['README.md', 'LICENSE', 'package.json']) assert.ok(files.includes(file), file);
      assert.deepEqual(
        files.filter((file) => /(?<!\.d)\.c?ts$|\.test\.|node_modules/.test(file)),
        [],
      );
      const licence = await readFile(path.join(folder, 'LICENSE'), 'utf8');
      assert.equal(licence, await readFile(path.join(ROOT, 'LICENSE'), 'utf8'));
      assert.match(await readFile(path.join(folder, 'README.md'), 'utf8'), new RegExp(`^# @dpr/${short}\n`));
    });

    it(`@dpr/${short} tells the licence of each library that is in it`, async () => {
      const { folder } = (await built())[short];
      const libraries = Object.entries(LIBRARIES[short]);
      const notices = await readFile(path.join(folder, 'THIRD-PARTY-NOTICES.md'), 'utf8').catch(() => undefined);
      assert.equal(notices === undefined, libraries.length === 0);
      if (notices === undefined) return;
      const modules = (await readdir(folder)).filter((file) => /\.c?js$/.test(file));
      const code = await Promise.all(modules.map((file) => readFile(path.join(folder, file), 'utf8')));
      const named = Array.from(notices.matchAll(/^## (\S+) [\d.]+ \(\S+\)\n\n(.+)/gm), ([, name = '', text = '']) => ({
        name,
        text,
      }));
      for (const [name, mark] of libraries) {
        assert.ok(
          code.some((text) => text.includes(mark)),
          `${name} is not in it any more`,
        );
        assert.ok(
          named.some((library) => library.name === name),
          `${name} is not named`,
        );
      }
      // Where there is a heading there is the licence's text.
      assert.equal(named.length, notices.match(/^## /gm)?.length);
    });
  }
});
