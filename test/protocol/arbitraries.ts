/** Arbitrary valid messages of every kind: small ones often, numbers on their limits too. */
import {
  ERROR_CODES,
  MAX_BATCH_OPERATIONS,
  MAX_EXACT_U64,
  MAX_WORKER_ID,
  type Message,
  type MessageOf,
} from '@dpr/protocol';
import fc from 'fast-check';
import { PAST_EVENT_KINDS } from '../client/fake-events.ts';

export type Kind = Message['kind'];

const record = <T>(fields: { [F in keyof T]: fc.Arbitrary<T[F]> }): fc.Arbitrary<T> =>
  fc.record<T>(fields, { noNullPrototype: true });

const unsigned = (max: number) =>
  fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 0, max }), fc.constantFrom(0, max - 1, max));
const u16 = unsigned(2 ** 16 - 1);
const u32 = unsigned(2 ** 32 - 1);
/** Above 2^53 even numbers only. */
const u64 = fc.oneof(unsigned(Number.MAX_SAFE_INTEGER), fc.constantFrom(2 ** 53, MAX_EXACT_U64 - 2, MAX_EXACT_U64));
const workerId = unsigned(MAX_WORKER_ID);
const flag = fc.boolean();

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString('hex'));
const id64 = hex(8);
const id128 = hex(16);
/** Any characters, of one to four bytes each, within a length that fits every text field. */
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 15 }), fc.string({ maxLength: 60 }));
const bytes = fc.uint8Array({ maxLength: 100 }).map((value) => Buffer.from(value));

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 4 });
const byWorker = (value: fc.Arbitrary<number>): fc.Arbitrary<ReadonlyMap<number, number>> =>
  fc
    .uniqueArray(fc.tuple(workerId, value), { maxLength: 5, selector: ([worker]) => worker })
    .map((pairs) => new Map(pairs));

const versions = byWorker(u64);
const stamp = record({ start: id64, counter: u64 });
const decision = record({ worldLine: u32, prefix: versions, entitled: byWorker(u32) });
const decisions = list(decision);
const checkpointFields = { worldLine: u32, version: u64, predecessor: u64, dependencies: versions };
const checkpoints = list(record(checkpointFields));
const held = list(record({ worldLine: u32, version: u64 }));
const member = record({ id: u32, generation: u32, type: text, host: text, port: u16, leaving: flag });
const memberStatus = record({
  id: u32,
  generation: u32,
  incarnation: u32,
  type: text,
  host: text,
  port: u16,
  state: fc.constantFrom('joining', 'serving', 'leaving', 'away', 'silent'),
  waitingFor: text,
  blockedBy: text,
  executed: u64,
  durable: u64,
  committed: u64,
  allCommitted: flag,
  committedAgoMs: optional(u64),
  durableAgoMs: optional(u64),
  lagOperations: u64,
  lagMs: u64,
  restarts: u32,
  silentMs: u64,
});
const pastEvent = record({
  number: u64,
  agoMs: u64,
  kind: fc.constantFrom(...PAST_EVENT_KINDS),
  worldLine: u32,
  worker: u32,
  generation: u32,
  type: text,
  restarts: u32,
  forced: flag,
  forMs: u64,
  operations: u64,
});
const count = fc.oneof(fc.integer({ min: 1, max: MAX_BATCH_OPERATIONS }), fc.constantFrom(1, MAX_BATCH_OPERATIONS));

/** A message of `kind`, field by field; the type checker asks for every field of the kind. */
function message<K extends Kind>(
  kind: K,
  fields: { [F in Exclude<keyof MessageOf<K>, 'kind'>]: fc.Arbitrary<MessageOf<K>[F]> },
): fc.Arbitrary<MessageOf<K>> {
  return record({ kind: fc.constant(kind), ...fields }) as unknown as fc.Arbitrary<MessageOf<K>>;
}

export const MESSAGES: { readonly [K in Kind]: fc.Arbitrary<MessageOf<K>> } = {
  hello: message('hello', {
    protocol: u16,
    role: fc.constantFrom('client', 'worker', 'operator'),
    cluster: optional(id128),
    stamp: optional(stamp),
    token: text,
  }),
  welcome: message('welcome', {
    protocol: u16,
    cluster: id128,
    worldLine: u32,
    controlPort: u16,
    worker: optional(record({ id: u32, generation: u32, incarnation: u32, type: text })),
  }),
  error: message('error', {
    code: fc.constantFrom(...ERROR_CODES),
    session: optional(id128),
    sequence: u64,
    detail: u64,
    text,
  }),
  batch: message('batch', {
    urgent: flag,
    count,
    session: id128,
    worldLine: u32,
    generation: u32,
    sequence: u64.map((value) => Math.max(1, value)),
    acknowledged: u64,
    version: u64,
    dependencies: versions,
    operations: bytes,
  }).map((batch) => (batch.acknowledged < batch.sequence ? batch : { ...batch, acknowledged: 0 })),
  reply: message('reply', {
    count,
    session: id128,
    worldLine: u32,
    incarnation: u32,
    sequence: u64,
    version: u64,
    results: bytes,
  }),
  commit: message('commit', { worldLine: u32, version: u64 }),
  table: message('table', { session: id128, worldLine: u32, generation: u32 }),
  tableAnswer: message('tableAnswer', { session: id128, worldLine: u32, last: u64 }),
  cut: message('cut', { stamp, worldLine: u32, decisions, cut: versions }),
  refresh: message('refresh', { worldLine: u32 }),
  sessionEnded: message('sessionEnded', { session: id128 }),
  fetchCluster: message('fetchCluster', { known: u64 }),
  cluster: message('cluster', {
    cluster: id128,
    version: u64,
    members: list(member),
    removed: list(record({ id: u32, generation: u32 })),
  }),
  claim: message('claim', {
    worker: u32,
    generation: u32,
    boot: id128,
    checkpoints: held,
    state: fc.constantFrom('unsaid', 'kept', 'empty'),
    from: u32,
    removed: u32,
    kept: list(record({ generation: u32, checkpoints: held })),
  }),
  claimed: message('claimed', {
    cluster: id128,
    generation: u32,
    incarnation: u32,
    seed: optional(record({ generation: u32, version: u64, base: u64 })),
  }),
  register: message('register', {
    worker: u32,
    generation: u32,
    incarnation: u32,
    boot: id128,
    type: text,
    host: text,
    port: u16,
    checkpoints,
    clean: optional(record({ incarnation: u32, worldLine: u32, version: u64 })),
  }),
  registered: message('registered', { stamp, worldLine: u32, decisions, cut: versions, base: u64, reached: u64 }),
  checkpoint: message('checkpoint', { ...checkpointFields, urgent: flag }),
  graph: message('graph', { worker: u32, generation: u32, incarnation: u32, worldLine: u32, checkpoints }),
  seal: message('seal', { worldLine: u32, version: u64, urgent: flag }),
  progress: message('progress', { version: u64, operations: u64, committedOperations: u64, lagMs: u64 }),
  leave: message('leave', {}),
  drained: message('drained', { version: u64 }),
  left: message('left', {}),
  fetchReached: message('fetchReached', {}),
  reached: message('reached', { version: u64 }),
  deleteWorker: message('deleteWorker', { worker: u32, generation: u32, force: flag }),
  deleteAnswer: message('deleteAnswer', {
    worker: u32,
    state: fc.constantFrom('leaving', 'left'),
    waitingFor: text,
  }),
  status: message('status', {}),
  statusAnswer: message('statusAnswer', {
    cluster: id128,
    stamp,
    worldLine: u32,
    membership: u64,
    members: list(memberStatus),
    removed: u32,
    undecided: list(record({ id: u32, text })),
  }),
  subscribe: message('subscribe', {}),
  events: message('events', { after: u64 }),
  eventsAnswer: message('eventsAnswer', { start: id64, events: list(pastEvent) }),
};

export const KINDS = Object.keys(MESSAGES) as Kind[];
export const anyMessage: fc.Arbitrary<Message> = fc.oneof(...Object.values(MESSAGES));

/** The same message of `kind` in every run. */
export function sampleOf(kind: Kind): Message {
  const [sample] = fc.sample<Message>(MESSAGES[kind], { numRuns: 1, seed: 7 });
  if (sample === undefined) throw new Error(`no sample of ${kind}`);
  return sample;
}
