import { createWorker, stepWorker, WORKER_DEFAULTS, type WorkerEvent } from '@dpr/core';
import { encode, MAX_DEPENDENCIES, MAX_FRAME_BYTES, type Message, type MessageOf } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { NO_UNDO } from './no-undo.ts';

const STAMP = { start: 'f'.repeat(16), counter: 1 };

/** A worker that serves, its disk done at once with all that it is given. Frames to the Finder are encoded, as they will be. */
function serving() {
  const config = { ...WORKER_DEFAULTS, id: 0, type: 'count', host: '', port: 6380 };
  const worker = createWorker(config, { apply: () => new Uint8Array(0), ...NO_UNDO });
  const told: Message[] = [];
  let now = 0;
  function step(event: WorkerEvent): void {
    now += 0.1; // so little that no version is sealed because of the time
    for (const effect of stepWorker(worker, event, now, 0)) {
      if (effect.kind === 'toFinder') {
        encode(effect.message);
        told.push(effect.message);
      } else if (effect.kind === 'send') {
        told.push(effect.message);
      } else if (effect.kind === 'restore') {
        step({ kind: 'restored', version: effect.version, sessions: undefined });
      } else if (effect.kind === 'checkpoint') {
        step({ kind: 'durable', worldLine: effect.info.worldLine, version: effect.info.version });
      }
    }
  }
  const fromFinder = (message: Message): void => step({ kind: 'finderFrame', message });
  step({ kind: 'finderOpened' });
  step({ kind: 'surveyed', boot: 'b'.repeat(32), generation: 0, checkpoints: [], kept: [], stamp: undefined });
  fromFinder({ kind: 'claimed', cluster: 'c'.repeat(32), generation: 1, incarnation: 1, seed: undefined });
  step({ kind: 'volumeOpened', checkpoints: [], clean: undefined });
  fromFinder({ kind: 'registered', stamp: STAMP, worldLine: 1, decisions: [], cut: new Map(), base: 0, reached: 0 });

  let sequence = 0;
  return {
    worker,
    step,
    fromFinder,
    /** Execute a batch that depends on `count` workers, from id `first` on. @returns the answer, if there was one at once */
    depend(first: number, count: number): Message | undefined {
      told.length = 0;
      const dependencies = new Map(Array.from({ length: count }, (_, index) => [first + index, 1]));
      const session = 'e'.repeat(32);
      const batch = { urgent: false, count: 1, session, worldLine: 1, generation: 1, acknowledged: sequence } as const;
      const operations = new Uint8Array(0);
      sequence++;
      const message = { kind: 'batch', ...batch, sequence, version: worker.version, dependencies, operations } as const;
      step({ kind: 'clientFrames', connection: 1, messages: [message] });
      return told.find(({ kind }) => kind === 'reply' || kind === 'error');
    },
    reports: () => told.filter((message) => message.kind === 'checkpoint'),
    listed: () => told.findLast((message): message is MessageOf<'graph'> => message.kind === 'graph'),
  };
}

describe('what batches may depend on', () => {
  it('is never more in one checkpoint than a report can say: another one is begun', () => {
    const one = serving();
    const { version } = one.worker;
    assert.equal(one.depend(1, MAX_DEPENDENCIES)?.kind, 'reply');
    assert.equal(one.worker.version, version);
    assert.equal(one.depend(1 + MAX_DEPENDENCIES, 10)?.kind, 'reply');
    assert.ok(one.worker.version > version);
    assert.deepEqual(
      one.reports().map(({ dependencies }) => dependencies.size),
      [MAX_DEPENDENCIES],
    );
  });

  it('is never more in all checkpoints than a list of them can say: batches wait for the cut', () => {
    const one = serving();
    let executed = 0;
    while (executed < 1_000 && one.depend(1, MAX_DEPENDENCIES)?.kind === 'reply') executed++;
    assert.ok(executed > 10 && executed < 100, `${executed} batches`);
    one.step({ kind: 'finderClosed' });
    one.step({ kind: 'finderOpened' });
    const list = one.listed();
    assert.ok(list);
    assert.equal(list.checkpoints.length, executed);
    assert.ok(encode(list).length < MAX_FRAME_BYTES);

    const own = list.checkpoints.at(-1)?.version ?? 0;
    one.fromFinder({ kind: 'cut', stamp: STAMP, worldLine: 1, decisions: [], cut: new Map([[0, own]]) });
    assert.equal(one.worker.waiting.length, 0);
    assert.equal(one.depend(1, MAX_DEPENDENCIES)?.kind, 'reply');
  });
});
