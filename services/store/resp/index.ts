/** The store for Redis clients: its commands, and how transactions watch its keys. What memory it takes, its process knows. */
import type { RespType } from '@dpr/resp';
import { ASIDE, KINDS, SIZE_OF_DEADLINES } from '../operations.ts';
import { adviceFor } from './advice.ts';
import { EXPIRY_COMMANDS } from './expiry-commands.ts';
import { HASH_COMMANDS } from './hash-commands.ts';
import { KEY_COMMANDS } from './key-commands.ts';
import { LIST_COMMANDS } from './list-commands.ts';
import { OBJECT_COMMAND } from './object-command.ts';
import { writeExpect, writeKeyless, writeOperation } from './operation-writer.ts';
import { results } from './result-cursor.ts';
import { SET_COMMANDS } from './set-commands.ts';
import { SORTED_SET_COMMANDS } from './sorted-set-commands.ts';
import { STRING_COMMANDS } from './string-commands.ts';
import { WALK_COMMANDS } from './walk-commands.ts';

export const storeResp: Omit<RespType, 'memory'> = {
  commands: [
    ...STRING_COMMANDS,
    ...HASH_COMMANDS,
    ...LIST_COMMANDS,
    ...SET_COMMANDS,
    ...SORTED_SET_COMMANDS,
    ...KEY_COMMANDS,
    OBJECT_COMMAND,
    ...EXPIRY_COMMANDS,
    ...WALK_COMMANDS,
  ],
  results,
  watching: {
    look: (words, index, batch, step) => writeOperation(batch, KINDS.head, ASIDE, words, index, step),
    // The revision; 0: it is not there.
    read: () => (results.isDone ? results.revision : 0),
    expect: (key, read, batch, step) => writeExpect(batch, key, read, Number.MAX_SAFE_INTEGER, step),
    isMet: () => results.isDone,
  },
  info(batch, then) {
    writeKeyless(batch, KINDS.size, 0, () => {
      batch.tally = Number(results.integer);
    });
    writeKeyless(batch, KINDS.size, SIZE_OF_DEADLINES, (reply) => {
      const keys = batch.tally;
      then(reply, keys === 0 ? '' : `db0:keys=${keys},expires=${results.integer},avg_ttl=0\r\n`);
    });
  },
  advice: adviceFor,
};
