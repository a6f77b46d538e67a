/** A worker that has joined with an empty volume and serves, at a time that stands still unless it is told. */
import {
  createWorker,
  stepWorker,
  WORKER_DEFAULTS,
  type Worker,
  type WorkerConfig,
  type WorkerEffect,
  type WorkerEvent,
  type WorkerState,
} from '@dpr/core';
import type { Batch, Message } from '@dpr/protocol';
import { NO_UNDO } from './no-undo.ts';

export const SESSION = 'e'.repeat(32);
const STAMP = { start: 'f'.repeat(16), counter: 1 };

export function servingWorker(
  apply: WorkerState['apply'],
  {
    start = 0,
    startWall = 0,
    base = 0,
    ...limits
  }: { readonly start?: number; readonly startWall?: number; readonly base?: number } & Partial<WorkerConfig> = {},
  undo: Omit<WorkerState, 'apply'> = NO_UNDO,
): {
  readonly worker: Worker;
  readonly step: (event: WorkerEvent, now?: number, wall?: number) => WorkerEffect[];
} {
  const config = { ...WORKER_DEFAULTS, ...limits, id: 0, type: 'count', host: '', port: 6380 };
  const worker = createWorker(config, { apply, ...undo });
  const step = (event: WorkerEvent, now = Math.max(start, worker.now), wall = startWall): WorkerEffect[] =>
    stepWorker(worker, event, now, wall);
  const fromFinder = (message: Message) => step({ kind: 'finderFrame', message });
  step({ kind: 'finderOpened' });
  step({ kind: 'surveyed', boot: 'b'.repeat(32), generation: 0, checkpoints: [], kept: [], stamp: undefined });
  fromFinder({ kind: 'claimed', cluster: 'c'.repeat(32), generation: 1, incarnation: 1, seed: undefined });
  step({ kind: 'volumeOpened', checkpoints: [], clean: undefined });
  fromFinder({ kind: 'registered', stamp: STAMP, worldLine: 1, decisions: [], cut: new Map(), base, reached: 0 });
  step({ kind: 'restored', version: base, sessions: undefined });
  return { worker, step };
}

/** The session's batch of this number: one operation, and no reply was acknowledged. */
export function batchOf(sequence: number, fields: Partial<Batch> = {}): Batch {
  const batch = { urgent: false, count: 1, session: SESSION, worldLine: 1, generation: 1, sequence } as const;
  const rest = { acknowledged: 0, version: 0, dependencies: new Map(), operations: new Uint8Array(0) };
  return { kind: 'batch', ...batch, ...rest, ...fields };
}
