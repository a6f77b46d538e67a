/** Commands that Redis does not have: what a connection depends on, carried from worker to worker, and exactly once. */
import { NO_KEYS } from './command.ts';
import { tokenOf, tokenText } from './dependency-token.ts';
import { SESSION_COMMAND } from './exactly-once.ts';
import type { LocalCommand } from './local-command.ts';

const FLAGS = ['loading', 'stale', 'fast'];

export const DPR_COMMANDS: readonly LocalCommand[] = [
  {
    ...{ name: 'dpr.token', arity: 1, flags: FLAGS, keys: NO_KEYS, tellsRollback: true },
    summary: 'Tells what this connection depends on, for DPR.SEE at another worker.',
    run: (_words, client) => client.reply.bulk(tokenText(client.token())),
  },
  {
    ...{ name: 'dpr.see', arity: 2, flags: FLAGS, keys: NO_KEYS, tellsRollback: true, isAlone: true },
    summary: 'Lets what this connection does from now on depend on what a token tells of.',
    run: (words, client) => client.see(tokenOf(words, 1)),
  },
  SESSION_COMMAND,
];
