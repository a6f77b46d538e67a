/** `DPR.SESSION`: a command with a number of its client's own, which executes once however often it is sent. */
import { createHash } from 'node:crypto';
import type { Arguments } from './arguments.ts';
import { NO_KEYS } from './command.ts';
import { CommandError } from './command-error.ts';
import { MAX_NAME_BYTES } from './limits.ts';
import type { LocalCommand } from './local-command.ts';
import type { Numbered } from './session-link.ts';
import { numberOf } from './words.ts';

const ID = 1;
const SEQUENCE = 2;
/** The word that names the command. */
export const NUMBERED_COMMAND = 3;
const SESSION_BYTES = 16;

export const SESSION_COMMAND: LocalCommand = {
  ...{ name: 'dpr.session', arity: -4, flags: ['loading', 'stale'], keys: NO_KEYS, tellsRollback: true, isAlone: true },
  summary: 'Executes a command exactly once, by the number that it has in a session of its client’s.',
  run: (words, client) => client.executeNumbered(numbered(words), words),
};

function numbered(words: Arguments): Numbered {
  if (words.length(ID) === 0 || words.length(ID) > MAX_NAME_BYTES) {
    throw new CommandError(`ERR the name of a session has 1 to ${MAX_NAME_BYTES} bytes`);
  }
  const sequence = numberOf(words, SEQUENCE, 1, undefined, 'ERR commands of a session are numbered from 1 on');
  const hash = createHash('sha256').update(words.slice(ID)).digest('hex');
  return { session: hash.slice(0, 2 * SESSION_BYTES), sequence };
}
