import { describeFrames, ERROR_CODES, FRAME_TYPES, PROTOCOL_VERSION } from '@dpr/protocol';
import assert from 'node:assert/strict';

/**
 * Numbers that peers of other versions and in other languages rely on. Append to these tables; never change or reuse a line.
 */
const PINNED_FRAME_TYPES: Readonly<Record<string, number>> = {
  hello: 0x01,
  welcome: 0x02,
  error: 0x03,
  several: 0x04,
  batch: 0x10,
  reply: 0x11,
  commit: 0x12,
  table: 0x13,
  tableAnswer: 0x14,
  cut: 0x15,
  refresh: 0x16,
  sessionEnded: 0x18,
  fetchCluster: 0x20,
  cluster: 0x21,
  claim: 0x30,
  claimed: 0x31,
  register: 0x32,
  registered: 0x33,
  checkpoint: 0x34,
  graph: 0x35,
  seal: 0x36,
  progress: 0x37,
  leave: 0x38,
  drained: 0x39,
  left: 0x3a,
  fetchReached: 0x3b,
  reached: 0x3c,
  deleteWorker: 0x40,
  deleteAnswer: 0x41,
  status: 0x42,
  statusAnswer: 0x43,
  subscribe: 0x44,
  events: 0x45,
  eventsAnswer: 0x46,
};

/** Of frames that there were once. */
const RETIRED_FRAME_TYPES: readonly number[] = [
  0x17, // relay: a client told a worker of decisions
];

const PINNED_ERROR_CODES = [
  'malformed',
  'unsupportedVersion',
  'unauthorized',
  'wrongCluster',
  'wrongWorker',
  'wrongGeneration',
  'sequenceGap',
  'absurdVersion',
  'dependencyAboveVersion',
  'windowExceeded',
  'overloaded',
  'leaving',
  'sessionExpired',
  'tooManySessions',
  'needDecisions',
  'historyLost',
  'volumeRefused',
  'staleFinder',
  'unknownWorker',
  'fenced',
  'notServing',
  'stateUnsaid',
  'surveyAgain',
];

describe('protocol numbers', () => {
  it('keeps the type byte of every frame', () => {
    assert.deepEqual({ ...FRAME_TYPES }, PINNED_FRAME_TYPES);
    assert.equal(
      new Set(Object.values(FRAME_TYPES)).size,
      Object.keys(FRAME_TYPES).length,
      'each type byte is used once',
    );
  });

  it('uses no type byte again that a frame had once', () => {
    const used = new Set<number>(Object.values(FRAME_TYPES));
    assert.deepEqual(
      RETIRED_FRAME_TYPES.filter((type) => used.has(type)),
      [],
    );
  });

  it('keeps the number of every error code', () => {
    assert.deepEqual([...ERROR_CODES], PINNED_ERROR_CODES);
  });

  it('describes every frame that has a type, except those with a fixed layout', () => {
    const described = describeFrames().map(({ kind, type }) => [kind, type]);
    const { several, batch, reply, ...rest } = FRAME_TYPES;
    assert.deepEqual([several, batch, reply], [0x04, 0x10, 0x11]);
    assert.deepEqual(Object.fromEntries(described), rest);
  });

  it('is version 1', () => {
    assert.equal(PROTOCOL_VERSION, 2);
  });
});
