/** Two stores under load by Redis clients and by sessions, while the processes of their cluster are killed all the time. */
import assert from 'node:assert/strict';
import { FINDER_NAME } from '@dpr/infra/plan';
import { startRedis } from '../../../services/bench/peers/redis.ts';
import { type TableName, TABLE_NAMES } from '../../resp/differential/commands/index.ts';
import { createDraw } from '../../resp/differential/draw.ts';
import { Peer } from '../../resp/differential/peer.ts';
import { parseReply } from '../../resp/differential/reply.ts';
import { createRandom } from '../../simulation/random.ts';
import { Model } from './model.ts';
import { type RespAddress, RespWriter } from './resp-writer.ts';
import { SessionWriter } from './session-writer.ts';
import { WriterSteps } from './steps.ts';
import { Strikes } from './strikes.ts';
import type { FireTarget } from './target.ts';
import type { Writer } from './writer.ts';

export const STORES: readonly number[] = [0, 1];
/** Of all processes. */
export const PROCESSES: readonly string[] = [...STORES.map((id) => `store-${id}`), FINDER_NAME];

/** Each with a protocol, and with tables of commands: all of them at once, and fewer that meet more often. */
const RESP_WRITERS: readonly (readonly [protocol: '2' | '3', only: readonly TableName[]])[] = [
  ['2', TABLE_NAMES],
  ['3', TABLE_NAMES],
  ['3', ['string', 'hash', 'list']],
  ['2', ['set', 'zset']],
];
const SESSION_WRITERS = [
  { mode: 'strict', replay: false },
  { mode: 'relaxed', replay: false },
  { mode: 'relaxed', replay: true },
] as const;

export interface Fire {
  readonly resp: readonly RespWriter[];
  readonly sessions: readonly SessionWriter[];
  readonly writers: readonly Writer[];
  readonly strikes: Strikes;
  /** Ends the writers and their model; the cluster is ended by who began it. */
  stop(): Promise<void>;
}

/** Remove what others wrote, for good. */
async function empty(target: FireTarget, store: number): Promise<void> {
  const peer = await Peer.connect('a store', target.respPort(store), { host: target.host });
  const replies = await peer.ask([['FLUSHALL'], ['WAITAOF', '1', '0', '0']]);
  peer.close();
  assert.deepEqual(replies.map(String), ['+OK\r\n', '*2\r\n:1\r\n:0\r\n']);
}

/** @param target has `STORES`, and all of them serve */
export async function startFire(target: FireTarget, seed: number, stillChance: number): Promise<Fire> {
  const redis = await startRedis('no AOF', { pin: [], signal: new AbortController().signal });
  try {
    await Promise.all(STORES.map((store) => empty(target, store)));
    const stores = STORES.map((id) => `store-${id}`);
    const strikes = new Strikes({ target, random: createRandom(seed), stores, finder: FINDER_NAME, stillChance });
    const redisPort = Number(new URL(redis.address).port);
    const resp = await respWriters(seed, target, redisPort, () => strikes.committed());
    const sessions = await sessionWriters(seed, target);
    const writers = [...resp, ...sessions];
    return {
      ...{ resp, sessions, writers, strikes },
      async stop() {
        for (const writer of writers) writer.close();
        await redis.stop();
      },
    };
  } catch (error) {
    await redis.stop();
    throw error;
  }
}

/** What writers write while processes are killed is what they were promised. */
export async function isExactUnderFire({ writers, strikes }: Fire, kills: number): Promise<void> {
  let isFailed = false; // one of them: the others end
  // Each of them was told of a loss, or lost a connection, and was right since.
  const isOver = (): boolean =>
    isFailed ||
    (strikes.counts.kills >= kills &&
      writers.every(({ counts }) => counts.rollbacks + counts.breaks > 0 && counts.looks > 1));
  const orEnd = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      isFailed = true;
      throw error;
    }
  };
  await Promise.all([...writers.map((writer) => writer.run(isOver)), strikes.run(writers, isOver)].map(orEnd));
  await strikes.killAll();
  await Promise.all(writers.map((writer) => writer.look()));
}

/** What `WAITAOF` said is committed is there, though all is killed right after. */
export async function losesNothingAfterCommits({ resp, strikes }: Fire, kills: number): Promise<void> {
  for (let kill = 0; kill < kills; kill++) {
    await Promise.all(resp.map((writer) => writer.writeForGood()));
    await strikes.killAll();
    await Promise.all(resp.map((writer) => writer.look()));
  }
}

/** What was done, in some lines. */
export function summaryOf({ writers, strikes }: Fire): readonly string[] {
  const lines = writers.map(({ counts }) =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', '),
  );
  return [JSON.stringify(strikes.counts), ...lines];
}

async function respWriters(
  seed: number,
  target: FireTarget,
  redisPort: number,
  committed: () => void,
): Promise<RespWriter[]> {
  const { host } = target;
  const redis = { host: '127.0.0.1', port: redisPort };
  const [theirs, ours] = [await commandsOf(redis), await commandsOf({ host, port: target.respPort(0) })];
  const has = (name: string): boolean => theirs.has(name) && ours.has(name);
  return Promise.all(
    RESP_WRITERS.map(async ([protocol, only], index) => {
      const name = `resp${index}`;
      const draw = createDraw(seed * RESP_WRITERS.length + index, Date.now());
      return new RespWriter({
        ...{ name, protocol, committed },
        address: { host, port: target.respPort(STORES[index % STORES.length] ?? 0) },
        random: draw,
        steps: new WriterSteps(draw, `${name}:`, only, has),
        model: await Model.connect(redisPort, index),
        marksPrefix: `${name}:marks`,
      });
    }),
  );
}

async function sessionWriters(seed: number, target: FireTarget): Promise<SessionWriter[]> {
  const client = await target.connect();
  return SESSION_WRITERS.map(
    (options, index) =>
      new SessionWriter({
        ...options,
        ...{ client, stores: STORES, name: `session${index}` },
        random: createRandom(seed * SESSION_WRITERS.length + index),
      }),
  );
}

async function commandsOf({ host, port }: RespAddress): Promise<ReadonlySet<string>> {
  const peer = await Peer.connect('a server', port, { host });
  const [reply = Buffer.alloc(0)] = await peer.ask([['COMMAND', 'LIST']]);
  peer.close();
  return new Set(parseReply(reply).items?.map(({ text = '' }) => text.toUpperCase()));
}
