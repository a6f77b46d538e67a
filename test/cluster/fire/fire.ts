/** A cluster of two stores under load by Redis clients and by sessions, while its processes are killed all the time. */
import { startRedis } from '../../../services/bench/peers/redis.ts';
import { type TableName, TABLE_NAMES } from '../../resp/differential/commands/index.ts';
import { createDraw } from '../../resp/differential/draw.ts';
import { Peer } from '../../resp/differential/peer.ts';
import { parseReply } from '../../resp/differential/reply.ts';
import { createRandom } from '../../simulation/random.ts';
import { clientOf, makePlace, type Place } from '../harness.ts';
import { Model } from './model.ts';
import { RespWriter } from './resp-writer.ts';
import { SessionWriter } from './session-writer.ts';
import { WriterSteps } from './steps.ts';
import { Strikes } from './strikes.ts';
import type { Writer } from './writer.ts';

const STORES = [0, 1];
const FINDER = 'dpr-finder';

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
  readonly place: Place;
  readonly resp: readonly RespWriter[];
  readonly sessions: readonly SessionWriter[];
  readonly writers: readonly Writer[];
  readonly strikes: Strikes;
  /** Ends the model; the cluster is ended by the harness of clusters. */
  stop(): Promise<void>;
}

export async function startFire(seed: number, stillChance: number): Promise<Fire> {
  const redis = await startRedis('no AOF', { pin: [], signal: new AbortController().signal });
  try {
    const place = await makePlace({ workers: [] });
    place.edit({ workers: STORES.map((id) => ({ id, type: 'store' })), respBasePort: place.respBasePort });
    await place.start();
    const strikes = new Strikes({
      place,
      random: createRandom(seed),
      stores: STORES.map((id) => `store-${id}`),
      finder: FINDER,
      stillChance,
    });
    const redisPort = Number(new URL(redis.address).port);
    const resp = await respWriters(seed, place, redisPort, () => strikes.committed());
    const sessions = await sessionWriters(seed, place);
    const writers = [...resp, ...sessions];
    return {
      ...{ place, resp, sessions, writers, strikes },
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

async function respWriters(
  seed: number,
  place: Place,
  redisPort: number,
  committed: () => void,
): Promise<RespWriter[]> {
  const [theirs, ours] = [await commandsOf(redisPort), await commandsOf(place.respBasePort)];
  const has = (name: string): boolean => theirs.has(name) && ours.has(name);
  return Promise.all(
    RESP_WRITERS.map(async ([protocol, only], index) => {
      const name = `resp${index}`;
      const draw = createDraw(seed * RESP_WRITERS.length + index, Date.now());
      return new RespWriter({
        ...{ name, protocol, committed },
        port: place.respBasePort + (STORES[index % STORES.length] ?? 0),
        random: draw,
        steps: new WriterSteps(draw, `${name}:`, only, has),
        model: await Model.connect(redisPort, index),
        marksPrefix: `${name}:marks`,
      });
    }),
  );
}

async function sessionWriters(seed: number, place: Place): Promise<SessionWriter[]> {
  const client = await clientOf(place);
  return SESSION_WRITERS.map(
    (options, index) =>
      new SessionWriter({
        ...options,
        ...{ client, stores: STORES, name: `session${index}` },
        random: createRandom(seed * SESSION_WRITERS.length + index),
      }),
  );
}

async function commandsOf(port: number): Promise<ReadonlySet<string>> {
  const peer = await Peer.connect('a server', port);
  const [reply = Buffer.alloc(0)] = await peer.ask([['COMMAND', 'LIST']]);
  peer.close();
  return new Set(parseReply(reply).items?.map(({ text = '' }) => text.toUpperCase()));
}
