/** A worker that has joined with an empty volume and serves, at a time that stands still. */
import {
  createWorker,
  stepWorker,
  WORKER_DEFAULTS,
  type Worker,
  type WorkerEffect,
  type WorkerEvent,
  type WorkerState,
} from '@dpr/core';
import type { Message } from '@dpr/protocol';

export const SESSION = 'e'.repeat(32);
const STAMP = { start: 'f'.repeat(16), counter: 1 };

export function servingWorker(apply: WorkerState['apply']): {
  readonly worker: Worker;
  readonly step: (event: WorkerEvent) => WorkerEffect[];
} {
  const config = { ...WORKER_DEFAULTS, id: 0, type: 'count', host: '', port: 6380 };
  const worker = createWorker(config, { apply, snapshot: () => undefined });
  const step = (event: WorkerEvent): WorkerEffect[] => stepWorker(worker, event, 0, 0);
  const fromFinder = (message: Message) => step({ kind: 'finderFrame', message });
  step({ kind: 'finderOpened' });
  step({ kind: 'surveyed', boot: 'b'.repeat(32), generation: 0, checkpoints: [], stamp: undefined });
  fromFinder({ kind: 'claimed', cluster: 'c'.repeat(32), generation: 1, incarnation: 1 });
  step({ kind: 'volumeOpened', checkpoints: [], clean: undefined });
  fromFinder({ kind: 'registered', stamp: STAMP, worldLine: 1, decisions: [], cut: new Map(), base: 0 });
  step({ kind: 'restored', version: 0, sections: [], since: 0 });
  return { worker, step };
}

/** The session's batch of this number: one operation, and no reply was acknowledged. */
export function batchOf(sequence: number): Message {
  const batch = { urgent: false, count: 1, session: SESSION, worldLine: 1, generation: 1, sequence } as const;
  const rest = { acknowledged: 0, version: 0, dependencies: new Map(), operations: new Uint8Array(0) };
  return { kind: 'batch', ...batch, ...rest };
}
