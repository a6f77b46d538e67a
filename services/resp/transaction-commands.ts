/** Commands about several others: transactions, and what is committed. */
import type { Arguments } from './arguments.ts';
import { NO_KEYS } from './command.ts';
import type { CommandClient, LocalCommand } from './local-command.ts';
import { numberOf } from './words.ts';

/** Longer than any client waits; ms. */
const MAX_WAIT_MS = 2 ** 31 - 1;
const OUT_OF_RANGE = 'ERR value is out of range, must be positive';
const FLAGS = ['noscript', 'loading', 'stale', 'fast'];

export const TRANSACTION_COMMANDS: readonly LocalCommand[] = [
  {
    ...{ name: 'multi', arity: 1, flags: FLAGS, keys: NO_KEYS, isImmediate: true },
    summary: 'Collects commands until EXEC.',
    run: (_words, { transaction }) => transaction.begin(),
  },
  {
    ...{ name: 'exec', arity: 1, flags: FLAGS, keys: NO_KEYS, isImmediate: true, isAlone: true },
    summary: 'Executes what was collected, as one batch.',
    run: (words, { transaction }) => transaction.execute(words),
  },
  {
    ...{ name: 'discard', arity: 1, flags: FLAGS, keys: NO_KEYS, isImmediate: true },
    summary: 'Forgets what was collected.',
    run: (_words, { transaction }) => transaction.discard(),
  },
  {
    ...{
      name: 'watch',
      arity: -2,
      flags: FLAGS,
      keys: [1, -1, 1],
      isImmediate: true,
      isAlone: true,
      tellsRollback: true,
    },
    summary: 'Lets EXEC execute only if these keys are as they are now.',
    run: (words, { transaction }) => transaction.watch(words),
  },
  {
    ...{ name: 'unwatch', arity: 1, flags: FLAGS, keys: NO_KEYS },
    summary: 'Watches no keys any more.',
    run: (_words, { transaction }) => transaction.unwatch(),
  },
  {
    ...{ name: 'wait', arity: 3, flags: ['blocking'], keys: NO_KEYS, tellsRollback: true },
    summary: 'Waits until what this connection did is committed.',
    run: wait,
  },
  {
    ...{ name: 'waitaof', arity: 4, flags: ['blocking'], keys: NO_KEYS, tellsRollback: true },
    summary: 'Waits until what this connection did is committed.',
    run: waitAof,
  },
];

/** A commit is on disk and no failure takes it back: as many replicas as were asked for could not say more. */
function wait(words: Arguments, client: CommandClient): void {
  const replicas = numberOf(words, 1, 0, undefined, OUT_OF_RANGE);
  const ms = numberOf(words, 2, 0, MAX_WAIT_MS, 'ERR timeout is negative or too long');
  if (replicas === 0) return client.reply.integer(0);
  client.waitForCommit(ms, (isCommitted) => client.reply.integer(isCommitted ? replicas : 0));
}

function waitAof(words: Arguments, client: CommandClient): void {
  const local = numberOf(words, 1, 0, 1, 'ERR value is out of range, must be between 0 and 1');
  numberOf(words, 2, 0, undefined, OUT_OF_RANGE);
  const ms = numberOf(words, 3, 0, MAX_WAIT_MS, 'ERR timeout is negative or too long');
  const answer = (isCommitted: boolean): void => {
    client.reply.array(2);
    client.reply.integer(isCommitted ? 1 : 0);
    client.reply.integer(0);
  };
  if (local === 0) return answer(client.isCommitted);
  client.waitForCommit(ms, answer);
}
