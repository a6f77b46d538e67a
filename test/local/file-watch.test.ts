import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fingerprintOf, watchForChanges } from '../../services/local/file-watch.ts';

describe('a watched file', () => {
  let directory: string;
  let file: string;
  let unwatch: (() => void) | undefined;
  let changed: () => void;

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'dpr-watch-'));
    file = path.join(directory, 'config.yaml');
    writeFileSync(file, 'one'); // clocks of file systems are slow: what is written next has another length
    changed = () => undefined;
  });
  afterEach(() => {
    unwatch?.();
    rmSync(directory, { recursive: true });
  });

  function watch(name: string): void {
    unwatch = watchForChanges(name, fingerprintOf(name), () => changed());
  }

  /** Resolves when the change is noticed. */
  function after(change: () => void): Promise<void> {
    const hearing = new Promise<void>((resolve) => (changed = resolve));
    change();
    return hearing;
  }

  it('is noticed when it is written, replaced by renaming, removed, and written again', async () => {
    watch(file);
    await after(() => writeFileSync(file, 'seven'));
    await after(() => {
      writeFileSync(`${file}~`, 'eight'); // as long as before
      renameSync(`${file}~`, file);
    });
    await after(() => unlinkSync(file));
    await after(() => writeFileSync(file, 'four'));
  });

  it('is noticed through a link, also when the link is changed', async () => {
    const link = path.join(directory, 'link.yaml');
    symlinkSync(file, link);
    watch(link);
    await after(() => writeFileSync(file, 'seven'));
    const other = path.join(directory, 'other.yaml');
    writeFileSync(other, 'other');
    await after(() => {
      symlinkSync(other, `${link}~`);
      renameSync(`${link}~`, link);
    });
  });

  it('is noticed when it changed before it was watched, and after it was read', async () => {
    const read = fingerprintOf(file);
    writeFileSync(file, 'seven');
    await after(() => {
      unwatch = watchForChanges(file, read, () => changed());
    });
  });

  it('is noticed once for what is saved in several steps', async () => {
    watch(file);
    let times = 0;
    await after(() => {
      const hear = changed;
      changed = () => {
        times++;
        hear();
      };
      for (const text of ['', 'h', 'half', 'whole']) writeFileSync(file, text);
    });
    assert.equal(times, 1);
  });
});
