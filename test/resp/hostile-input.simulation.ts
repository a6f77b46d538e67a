import assert from 'node:assert/strict';
import { CommandParser, RespSyntaxError } from '../../services/resp/command-parser.ts';
import { storeResp } from '../../services/store/resp/index.ts';
import { createRandom } from '../simulation/random.ts';
import { countReplies, hostilePieces } from './hostile-input.ts';
import { respStage, type RespStage, type TestClient } from './stage.ts';

const SEEDS = 150;
const TOKEN = 'a-token-of-the-cluster';
/** Connections of one worker, so that each meets what others left. */
const CONNECTIONS_TOGETHER = 25;
const NAMES = storeResp.commands.map(({ name }) => name);
/** What is held for a piece of a command: it is copied into memory that grows by doubling. */
const HELD_FOR_A_BYTE = 2;

/** Commands of these pieces, up to what is none. @returns undefined when it closes or says nothing for a reason of its own */
function commandsIn(pieces: readonly Buffer[]): { readonly count: number; readonly isBroken: boolean } {
  const parser = new CommandParser();
  let count = 0;
  try {
    for (const piece of pieces) {
      parser.push(piece);
      while (parser.next()) count++;
    }
    return { count, isBroken: false };
  } catch (error) {
    if (!(error instanceof RespSyntaxError)) throw error;
    return { count, isBroken: true };
  }
}

describe('what is sent to a worker in place of commands', () => {
  /** A connection with what the seed gives, and another one beside it that must be served. @returns whether it is open still */
  function play(stage: RespStage, seed: number, isGuest: boolean): boolean {
    const random = createRandom(seed);
    const [client, beside] = [stage.connect(), stage.connect()];
    if (isGuest) beside.call(['AUTH', TOKEN]);
    const pieces = hostilePieces(random, NAMES);
    const output: string[] = [];
    let sent = 0;
    for (const piece of pieces) {
      sent += piece.length;
      output.push(client.send(piece));
      assert.ok(client.heldBytes() <= HELD_FOR_A_BYTE * sent, `it holds ${client.heldBytes()} bytes of ${sent}`);
      if (random.chance(0.01)) isServed(beside, seed);
      if (random.chance(0.01)) stage.commit();
      if (random.chance(0.002)) stage.rollBack();
    }
    do stage.commit();
    while (output.push(client.received()) > 0 && output.at(-1) !== ''); // what waits for it is over
    const replies = countReplies(Buffer.from(output.join(''), 'latin1'));
    const { count, isBroken } = commandsIn(pieces);
    if (!isGuest) assert.deepEqual([client.isOpen(), replies], [!isBroken, isBroken ? count + 1 : count]);
    isServed(beside, seed);
    for (const { connection } of [client, beside]) connection.closed();
    return client.isOpen();
  }

  function isServed(beside: TestClient, value: number): void {
    const ask = (): string => beside.call(['SET', 'beside', String(value)], ['GET', 'beside']);
    const reply = ask();
    assert.match(
      reply.startsWith('-ROLLBACK ') ? ask() : reply,
      new RegExp(`^\\+OK\\r\\n\\$\\d+\\r\\n${value}\\r\\n$`),
    );
  }

  for (const [who, token] of [
    ['who may do everything', undefined],
    ['who has not shown the token', TOKEN],
  ] as const) {
    it(`by a client ${who} is answered or refused, is held within its size, and harms no other`, () => {
      let stage: RespStage | undefined;
      let stayedOpen = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        if (seed % CONNECTIONS_TOGETHER === 1) stage = respStage(token === undefined ? {} : { token });
        if (stage === undefined) continue;
        try {
          if (play(stage, seed, token !== undefined)) stayedOpen++;
        } catch (error) {
          const first = seed - ((seed - 1) % CONNECTIONS_TOGETHER);
          throw new Error(`seed ${seed}, after the connections of seeds from ${first}`, { cause: error });
        }
      }
      assert.ok(stayedOpen > SEEDS / 20 && stayedOpen < SEEDS - SEEDS / 20, `${stayedOpen} stayed open`);
    });
  }
});
