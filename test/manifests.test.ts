import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '..');

type Targets = string | null | readonly Targets[] | { readonly [key: string]: Targets };
type Manifest = Readonly<Partial<Record<'exports' | 'main' | 'module' | 'types' | 'bin', Targets>>>;

function read(file: string): unknown {
  return JSON.parse(readFileSync(path.join(ROOT, file), 'utf8'));
}

/** The folders of a pattern such as `services/*`. */
function foldersOf(pattern: string): string[] {
  if (path.basename(pattern) !== '*') return [pattern];
  const above = path.dirname(pattern);
  return readdirSync(path.join(ROOT, above)).map((name) => `${above}/${name}`);
}

/** The files that a manifest leads to, whatever the conditions. */
function targetsOf(targets: Targets | undefined): string[] {
  if (typeof targets === 'string') return [targets];
  return targets === undefined || targets === null ? [] : Object.values(targets).flatMap(targetsOf);
}

/** Those of a manifest's targets that are no files of its folder. */
function missing(folder: string, { exports, main, module, types, bin }: Manifest): string[] {
  return [exports, main, module, types, bin]
    .flatMap(targetsOf)
    .filter((target) => !existsSync(path.join(ROOT, folder, target)))
    .map((target) => `${folder}/package.json leads to ${target}, which does not exist`);
}

describe('the packages of the workspace', () => {
  it('lead to files that exist', () => {
    const { workspaces } = read('package.json') as { workspaces: string[] };
    const folders = workspaces.flatMap(foldersOf);
    assert.ok(folders.length > 10);
    assert.deepEqual(
      folders.flatMap((folder) => missing(folder, read(`${folder}/package.json`) as Manifest)),
      [],
    );
  });

  it('are named when one of their targets does not exist, under any condition', () => {
    const lost = 'services/core/package.json leads to ./nowhere.ts, which does not exist';
    const right = './index.ts';
    const manifests: Manifest[] = [
      { exports: './nowhere.ts' },
      { exports: { '.': { types: right, default: './nowhere.ts' }, './closed': null } },
      { exports: { '.': [{ import: './nowhere.ts' }, right] } },
      { main: './nowhere.ts', exports: right },
      { bin: { dpr: './nowhere.ts' } },
    ];
    for (const manifest of manifests) assert.deepEqual(missing('services/core', manifest), [lost]);
    assert.deepEqual(missing('services/core', { exports: { '.': right } }), []);
  });
});
