/** The load generator's process, as the benchmark uses it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { LoadAnswer, LoadOrder, Measured } from './load/protocol.ts';

const LOAD_PROGRAM = [process.execPath, path.join(import.meta.dirname, 'bench-load.js')];

export interface Generator {
  readonly pid: number;
  /** One order at a time. @throws Error when the load failed */
  run(order: LoadOrder): Promise<Measured>;
  readonly stop: () => Promise<void>;
}

/** One process for each kind of load, so that none pays for code that was compiled for another. */
export function startGenerator(pin: readonly string[], signal: AbortSignal): Generator {
  const [program = '', ...words] = [...pin, ...LOAD_PROGRAM];
  const child = spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true });
  const gone = once(child, 'exit');
  return {
    pid: child.pid ?? NaN,
    async run(order) {
      child.send(order);
      const ended = gone.then(() => Promise.reject(new Error('the load generator ended')));
      const [answer] = (await Promise.race([once(child, 'message', { signal }), ended])) as [LoadAnswer];
      if ('error' in answer) throw new Error(`the load failed: ${answer.error}`);
      return answer.measured;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await gone;
    },
  };
}
