/**
 * What of Redis' own tests cannot pass at a store, and why. The lists only ever get shorter: a run fails where a line is not needed any more.
 */

/** The series of Redis whose tests these lists are about. */
export const SERIES = '7.0.';

export interface Unit {
  readonly name: string;
  /** It is not run before the store has this command. Once it has, this goes away. */
  readonly waitsFor?: string;
}

/**
 * Not among them: `unit/auth` and `unit/info`, whose tests all start servers of their own, and `unit/type/list-2`, whose two tests take
 * minutes.
 */
export const UNITS: readonly Unit[] = [
  { name: 'unit/type/string' },
  { name: 'unit/type/incr' },
  { name: 'unit/expire' },
  { name: 'unit/keyspace' },
  { name: 'unit/scan' },
  { name: 'unit/multi' },
  { name: 'unit/other' },
  { name: 'unit/protocol' },
  { name: 'unit/quit' },
  { name: 'unit/type/hash' },
  { name: 'unit/type/list' },
  { name: 'unit/type/list-3' },
  { name: 'unit/type/set' },
  { name: 'unit/type/zset' },
];

/** Commands that the store does not have: a test that fails by one of them is left out. */
export const MISSING_COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'commands that wait are not there': ['BLPOP'],
  'no serialized values': ['DUMP'],
  'no sorting': ['SORT'],
  'no bits of strings': ['GETBIT', 'SETBIT'],
  'no comparison of strings': ['LCS'],
  'no messages and streams': ['MONITOR', 'SUBSCRIBE', 'XADD', 'XGROUP'],
  'no users: there is the client token': ['ACL'],
  'volumes and processes are those of the cluster': ['SAVE', 'SHUTDOWN'],
};

/** Tests that fail by something else, by unit. */
export const DIFFERENT: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'unit/type/hash': {
    'settings are those of the cluster, and the test changes them': ['Hash ziplist of various encodings'],
    'no serialized values': ['Hash ziplist of various encodings - sanitize dump'],
  },
  'unit/type/list': {
    'no serialized values': ['List ziplist of various encodings - sanitize dump'],
  },
  'unit/multi': {
    'no scripts': [
      'MULTI and script timeout',
      'EXEC and script timeout',
      'MULTI-EXEC body and script timeout',
      'just EXEC and script timeout',
    ],
    'settings are those of the cluster': ['MULTI with config error'],
  },
  'unit/other': {
    'no tracking of what clients have read': ['RESET clears client state'],
    'settings are those of the cluster': ['Subcommand syntax error crash (issue #10070)'],
  },
};

/** Tests that are not run, since others fail after them: patterns of their names, each until the store has the command. */
export const NOT_RUN: readonly { readonly pattern: string; readonly waitsFor: string }[] = [
  { pattern: '/(?i)b[lrz](m?pop|move)|unblock|linked lmoves|circular|self-referential', waitsFor: 'BLPOP' },
];
