/** Commands that carry what a connection depends on from worker to worker, so that a failure leaves both or neither. */
import { NO_KEYS } from './command.ts';
import { tokenOf, tokenText } from './dependency-token.ts';
import type { LocalCommand } from './local-command.ts';

const FLAGS = ['loading', 'stale', 'fast'];

export const DEPENDENCY_COMMANDS: readonly LocalCommand[] = [
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
];
