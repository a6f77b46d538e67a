/** What a worker's process logs of its state machine. */
import type { WorkerEffect } from '@dpr/core';
import type { Log } from '../log.ts';
import { keptText, listGenerations } from './kept-generations.ts';

export type LogEffect = Extract<WorkerEffect, { kind: 'log' }>;

const LEVELS: Readonly<Record<LogEffect['event'], 'debug' | 'info' | 'warn' | 'error'>> = {
  joined: 'info',
  rollback: 'warn',
  restored: 'info',
  leaving: 'info',
  drained: 'info',
  finderRefused: 'warn',
  undecided: 'error',
  memoryShort: 'warn',
  memoryEased: 'info',
  // Any client can cause as many of these as it likes.
  protocolError: 'debug',
};

/** @param data the worker's directory: while the administrator's word is missing, the log says what it keeps */
export function logEvents(log: Log, data: string): (effect: LogEffect) => void {
  let undecided = '';

  /** Once: the answer is the same at each connection. */
  function noteUndecided(reason: string): void {
    if (reason === undecided) return;
    undecided = reason;
    const write = (kept: string): void => log.error({ event: 'undecided', reason: `${reason}. ${kept}` });
    listGenerations(data).then(
      (found) => write(`Here are: ${keptText(found)}`),
      () => write(''),
    );
  }

  return ({ event, details }) => {
    if (event === 'undecided') noteUndecided(String(details.reason));
    else log[LEVELS[event]]({ event, ...details });
  };
}
