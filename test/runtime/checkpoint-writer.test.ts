import { createLog } from '@dpr/runtime';
import { nodeHost } from '@dpr/runtime/node-host';
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CheckpointDroppedError,
  SupersededError,
  type Checkpoint,
  type CheckpointStore,
} from '../../services/runtime/storage/index.ts';
import { checkpointWriter, type NewVersion } from '../../services/runtime/worker/checkpoint-writer.ts';
import type { StateFile, StateObject } from '../../services/runtime/worker/state-object.ts';
import { adaptWhole, sealedWhole } from '../../services/runtime/worker/whole-state.ts';

const bytes = new Uint8Array(1);

function version(number: number, snapshot: Uint8Array | Promise<Uint8Array | StateFile> = bytes): NewVersion {
  return {
    kind: 'checkpoint',
    info: { worldLine: 1, version: number, predecessor: number - 1, dependencies: new Map() },
    state: sealedWhole(number, snapshot),
    sessions: { since: number, bytes },
    stamp: { start: 'f'.repeat(16), counter: 1 },
  };
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** A store that a test steers, and a writer on it; every call of the store and every word of the writer, in order. */
function start(overrides: Partial<CheckpointStore> = {}) {
  const journal: string[] = [];
  let changed = (): void => undefined;
  const note = (entry: string): void => {
    journal.push(entry);
    changed();
  };
  const call =
    (entry: string) =>
    (argument: unknown): Promise<never> => {
      note(`${entry} ${typeof argument === 'number' ? argument : ''}`.trim());
      return Promise.resolve(undefined as never);
    };
  const store: CheckpointStore = {
    append: (checkpoint) => call('append')(checkpoint.version),
    markClean: call('mark'),
    clearClean: () => call('clear')(undefined),
    dropAfter: call('drop'),
    async restore(number, { openState }) {
      note(`restore ${number}`);
      const chain = { since: number, bytes: bytes.length };
      await openState(chain)({ bytes: Buffer.from(bytes), version: number, isLast: true });
      return { checkpoint: {} as Checkpoint, state: chain, sessionsSince: 0 };
    },
    prune: call('prune'),
    refuseIfLost: () => call('look')(undefined),
    storeFile: (_, number) => ({ name: String(number), path: String(number) }),
    close: () => Promise.resolve(),
    ...overrides,
  };
  const given: unknown[] = [];
  const object: StateObject = {
    apply: () => bytes,
    snapshot: () => bytes,
    restore: (snapshot) => void given.push(snapshot),
  };
  const events = { executed: () => undefined, broken: () => undefined, batch: () => undefined };
  const writer = checkpointWriter({
    host: nodeHost,
    store,
    log: createLog('silent', {}),
    state: adaptWhole(object, { maxStateBytes: Infinity, maxCopyBytes: 0 }, events),
    durable: (_, number) => note(`durable ${number}`),
    written: () => undefined,
    failed: () => note('failed'),
    broken: (error) => note(`broken ${error instanceof Error ? error.name : ''}`),
  });
  const reaches = async (...expected: string[]): Promise<void> => {
    while (journal.length < expected.length) await new Promise<void>((resolve) => (changed = resolve));
    assert.deepEqual(journal, expected);
  };
  return { writer, journal, note, reaches, given };
}

describe('the writer of checkpoints', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'dpr-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('makes versions durable in their order, also when an earlier snapshot takes longer', async () => {
    const { writer, reaches } = start();
    writer.add(version(1, new Promise((resolve) => setImmediate(() => resolve(bytes)))));
    writer.add(version(2));
    await reaches('append 1', 'durable 1', 'append 2', 'durable 2');
    writer.add(version(3));
    await reaches('append 1', 'durable 1', 'append 2', 'durable 2', 'append 3', 'durable 3');
  });

  it('tries again what the disk refuses, and announces nothing meanwhile', async () => {
    let refusals = 3;
    const { writer, reaches, note } = start({
      append({ version: number }) {
        if (refusals-- > 0) return Promise.reject(failure('ENOSPC'));
        note(`append ${number}`);
        return Promise.resolve();
      },
    });
    writer.add(version(1));
    writer.add(version(2));
    await reaches('failed', 'failed', 'failed', 'append 1', 'durable 1', 'append 2', 'durable 2');
  });

  it('drops what waits and what is being written when it goes back', async () => {
    let drop = (): void => undefined;
    const { writer, journal, reaches, note, given } = start({
      append: () =>
        new Promise((_, reject) => {
          note('append');
          drop = () => reject(new CheckpointDroppedError('dropped'));
        }),
      dropAfter(to) {
        note(`drop ${to}`);
        drop();
        return Promise.resolve();
      },
    });
    writer.add(version(5));
    writer.add(version(6));
    await reaches('append');
    await (await writer.restore(4, false))?.restored?.finish();
    assert.deepEqual(given, [Buffer.from(bytes)]);
    assert.deepEqual(journal, ['append', 'drop 4', 'clear', 'restore 4']);
  });

  it('stops retrying what a rollback made pointless', async () => {
    const { writer, journal, reaches, note } = start({
      append: () => Promise.reject(failure('EIO')),
      dropAfter() {
        note('drop');
        return Promise.resolve();
      },
    });
    writer.add(version(5));
    await reaches('failed');
    await writer.restore(4, true);
    const tries = journal.filter((entry) => entry === 'failed').length;
    assert.deepEqual(journal.slice(tries), ['drop', 'clear'], 'the empty state is not read from the store');
  });

  it('drops for a rollback in memory before it writes anything else, and keeps nobody waiting', async () => {
    let refusals = 1;
    const { writer, reaches, note } = start({
      dropAfter(to) {
        if (refusals-- > 0) return Promise.reject(failure('EIO'));
        note(`drop ${to}`);
        return Promise.resolve();
      },
    });
    writer.dropAfter(4);
    const marked = writer.mark({ incarnation: 1, worldLine: 1, version: 4 });
    await reaches('failed', 'drop 4', 'mark');
    assert.equal(await marked, true);
    writer.dropAfter(4);
    writer.add(version(7));
    await reaches('failed', 'drop 4', 'mark', 'drop 4', 'append 7', 'durable 7');
  });

  it('drops for the later one of two rollbacks in memory, and what was sealed between them', async () => {
    let refuse = true;
    const { writer, reaches, note } = start({
      dropAfter(to) {
        if (refuse) return Promise.reject(failure('EIO'));
        note(`drop ${to}`);
        return Promise.resolve();
      },
    });
    writer.dropAfter(4);
    writer.add(version(7));
    await reaches('failed');
    refuse = false;
    writer.dropAfter(4);
    writer.add(version(9));
    await reaches('failed', 'drop 4', 'append 9', 'durable 9');
  });

  it('tells a restore that another one overtook', async () => {
    let refuse = true;
    const { writer } = start({ dropAfter: () => (refuse ? Promise.reject(failure('EIO')) : Promise.resolve()) });
    const first = writer.restore(4, false);
    const second = writer.restore(3, false);
    refuse = false;
    assert.equal(await first, undefined);
    assert.ok(await second);
  });

  it('lets a restore overtake the clean-shutdown marker', async () => {
    let refuse = true;
    const { writer } = start({ markClean: () => (refuse ? Promise.reject(failure('EIO')) : Promise.resolve()) });
    const marker = { incarnation: 1, worldLine: 1, version: 4 };
    const marked = writer.mark(marker);
    await writer.restore(4, true);
    assert.equal(await marked, false);
    refuse = false;
    assert.equal(await writer.mark(marker), true);
  });

  it('gives up when a later incarnation took the volume over', async () => {
    const { writer, reaches } = start({ append: () => Promise.reject(new SupersededError('taken')) });
    writer.add(version(1));
    await reaches('broken SupersededError');
  });

  it('prunes to the newest cut that it was told, once for many', async () => {
    const { writer, reaches } = start();
    writer.prune(1);
    writer.prune(2);
    writer.prune(3);
    await reaches('prune 1', 'prune 3');
  });

  it('removes files of snapshots that it goes back before', async () => {
    const files = [1, 2, 3].map((number) => path.join(directory, `dump-${number}`));
    const taken = path.join(directory, 'taken');
    const { writer, reaches, note } = start({
      storeFile: () => ({ name: 'taken', path: taken }),
      append() {
        note('append');
        return Promise.reject(failure('EIO'));
      },
    });
    for (const [index, file] of files.entries()) {
      writeFileSync(file, 'the state');
      writer.add(version(index + 1, Promise.resolve({ file })));
    }
    await reaches('append', 'failed');
    await writer.restore(0, true);
    while (readdirSync(directory).length > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it('takes over a file that a store wrote', async () => {
    const taken = path.join(directory, 'taken');
    const { writer, reaches } = start({ storeFile: () => ({ name: 'taken', path: taken }) });
    const file = path.join(directory, 'dump');
    writeFileSync(file, 'the state');
    writer.add(version(1, Promise.resolve({ file })));
    await reaches('append 1', 'durable 1');
    assert.equal(readFileSync(taken, 'utf8'), 'the state');
  });
});
