/** All tables of commands. A command is drawn once both servers have it. */
import type { CommandSources } from '../command-source.ts';
import { EXPIRY } from './expiry.ts';
import { HASHES } from './hashes.ts';
import { KEYS } from './keys.ts';
import { LISTS } from './lists.ts';
import { SETS } from './sets.ts';
import { SORTED_SETS } from './sorted-sets.ts';
import { STRINGS } from './strings.ts';

export const TABLES = {
  string: STRINGS,
  hash: HASHES,
  list: LISTS,
  set: SETS,
  zset: SORTED_SETS,
  keys: KEYS,
  expiry: EXPIRY,
} as const satisfies Record<string, CommandSources>;

export type TableName = keyof typeof TABLES;

export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];
