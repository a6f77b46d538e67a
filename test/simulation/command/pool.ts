/** Processes that work for the command, one for each core. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BranchesAnswer, HuntAnswer, Request, RunAnswer } from './job.ts';

const JOB = fileURLToPath(new URL('job.ts', import.meta.url));

export interface Pool {
  readonly size: number;
  /**
   * Give every process work until there is none or `take` ends it.
   * @param next the next request, undefined when there is no more
   * @param take is given each answer as it comes
   * @throws what a job threw
   */
  work<R extends Work>(next: () => R | undefined, take: (request: R, answer: AnswerTo<R>) => void): Promise<void>;
  /** What every process says of the blocks that it ran. */
  branches(): Promise<BranchesAnswer[]>;
  close(): void;
}

type Work = Exclude<Request, { kind: 'branches' }>;
type AnswerTo<R extends Work> = R['kind'] extends 'run' ? RunAnswer : HuntAnswer;

/** @param options of Node, besides its own */
export function createPool(size: number, options: readonly string[] = []): Pool {
  const execArgv = [...process.execArgv, ...options];
  const children: ChildProcess[] = Array.from({ length: size }, () => fork(JOB, { execArgv }));
  return {
    size,
    async work(next, take) {
      await Promise.all(
        children.map(async (child) => {
          for (let request = next(); request !== undefined; request = next()) {
            take(request, (await ask(child, request)) as AnswerTo<typeof request>);
          }
        }),
      );
    },
    branches: () =>
      Promise.all(children.map(async (child) => (await ask(child, { kind: 'branches' })) as BranchesAnswer)),
    close() {
      for (const child of children) child.kill();
    },
  };
}

function ask(child: ChildProcess, request: Request): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('a job ended by itself'));
    child.once('exit', ended);
    child.once('message', (message: { result?: unknown; error?: string }) => {
      child.off('exit', ended);
      if (message.error === undefined) resolve(message.result);
      else reject(new Error(message.error));
    });
    child.send(request);
  });
}
