/** What of Redis' own tests cannot pass at a store, and why. */
import type { Known } from './verdict.ts';

/** The series of Redis whose tests these lists are about. */
export const SERIES = '7.0.';

/**
 * Not among them: `unit/auth` and `unit/info`, whose tests all start servers of their own, and `unit/type/list-2`, whose two tests take
 * minutes.
 */
export const UNITS: readonly string[] = [
  'unit/type/string',
  'unit/type/incr',
  'unit/expire',
  'unit/keyspace',
  'unit/scan',
  'unit/multi',
  'unit/other',
  'unit/protocol',
  'unit/quit',
  'unit/type/hash',
  'unit/type/list',
  'unit/type/list-3',
  'unit/type/set',
  'unit/type/zset',
];

export const KNOWN: Known = {
  missing: {
    'commands that wait are not there': ['BLPOP'],
    'no serialized values': ['DUMP'],
    'no sorting': ['SORT'],
    'no bits of strings': ['GETBIT', 'SETBIT'],
    'no comparison of strings': ['LCS'],
    'no messages and streams': ['MONITOR', 'SUBSCRIBE', 'XADD', 'XGROUP'],
    'no users: there is the client token': ['ACL'],
    'volumes and processes are those of the cluster': ['SAVE', 'SHUTDOWN'],
  },

  different: {
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
  },

  notRun: [{ pattern: '/(?i)b[lrz](m?pop|move)|unblock|linked lmoves|circular|self-referential', waitsFor: 'BLPOP' }],
};
