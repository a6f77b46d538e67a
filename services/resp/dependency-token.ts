/** What a connection depends on, as a text that its client carries to another worker of the cluster. */
import { MAX_WORKER_ID } from '@dpr/protocol';
import type { Arguments } from './arguments.ts';
import { CommandError } from './command-error.ts';

/** A version of a worker: it depends on everything that the connection did, read or saw before. */
export interface DependencyToken {
  readonly worldLine: number;
  readonly worker: number;
  /** 0: nothing. */
  readonly version: number;
}

const TOKEN = /^(\d{1,16}):(\d{1,16}):(\d{1,16})$/;

export function tokenText({ worldLine, worker, version }: DependencyToken): string {
  return `${worldLine}:${worker}:${version}`;
}

/** The token in a word of a command. @throws CommandError when it is none */
export function tokenOf(words: Arguments, index: number): DependencyToken {
  const [worldLine = NaN, worker = NaN, version = NaN] = (TOKEN.exec(words.text(index)) ?? []).slice(1).map(Number);
  if (worker <= MAX_WORKER_ID && Number.isSafeInteger(worldLine) && Number.isSafeInteger(version)) {
    return { worldLine, worker, version };
  }
  throw new CommandError('ERR this is no token: DPR.TOKEN of another worker answers one, as in 1:0:1796012728600');
}
