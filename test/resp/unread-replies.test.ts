/** What a connection has executed and held while its client does not read its replies. */
import assert from 'node:assert/strict';
import { MAX_BATCH_BYTES } from '@dpr/protocol';
import { MAX_ANSWER_BYTES, MAX_UNREAD_BYTES } from '../../services/resp/limits.ts';
import { respStage, type TestClient } from './stage.ts';

const OK = '+OK\r\n';
const MIB = 2 ** 20;
const VALUE = 'v'.repeat(MIB);
const REPLY = `$${MIB}\r\n${VALUE}\r\n`;
/** What stands for that reply below. */
const A = 'a';

function short(replies: string): string {
  return replies.replaceAll(REPLY, A);
}

/** A stage, a client that reads nothing, and another one; `a` is a large value. */
function stageOfTwo() {
  const stage = respStage();
  const [slow, other] = [stage.connect(), stage.connect()] as const;
  assert.equal(other.call(['SET', 'a', VALUE]), OK);
  slow.stopReading();
  return { stage, slow, other };
}

function times(count: number, ...words: string[]): string[][] {
  return Array<string[]>(count).fill(words);
}

/** All that comes while the client reads on, as often as there is more. */
function readAll(client: TestClient): string {
  let all = client.received();
  for (let more = read(client); more !== ''; more = read(client)) all += more;
  return all;
}

function read(client: TestClient): string {
  client.readOn();
  client.stopReading();
  return client.received();
}

describe('replies that a client does not read', () => {
  it('take little more than their limit, however many commands came in one piece', () => {
    const { slow } = stageOfTwo();
    const held = slow.call(...times(64, 'GET', 'a')).length;
    assert.ok(held > MAX_UNREAD_BYTES && held <= MAX_UNREAD_BYTES + MAX_BATCH_BYTES, `${held} bytes`);
    assert.equal(slow.isPaused(), true);
  });

  it('let commands wait that came with those before, and execute in order once they are read', () => {
    const { slow, other } = stageOfTwo();
    const first = slow.call(...times(8, 'GET', 'a'), ['INCR', 'n'], ['SET', 'a', 'small'], ['GET', 'a'], ['GET']);
    assert.equal(other.call(['GET', 'n'], ['INCR', 'n']), '$-1\r\n:1\r\n');
    assert.equal(
      short(first + readAll(slow)),
      `${A.repeat(8)}:2\r\n${OK}$5\r\nsmall\r\n-ERR wrong number of arguments for 'get' command\r\n`,
    );
    assert.equal(slow.call(['INCR', 'n']), ':3\r\n');
  });

  it('hold up none of the other connections whose commands stand in the same batch', () => {
    const { stage, slow, other } = stageOfTwo();
    const third = stage.connect();
    const many = times(8, 'GET', 'a');
    slow.collect(...many);
    other.collect(['INCR', 'n']);
    slow.collect(['INCR', 'n']);
    third.collect(['INCR', 'n']);
    stage.settle();
    assert.equal(other.received(), ':1\r\n');
    assert.equal(third.received(), ':2\r\n');
    assert.equal(short(readAll(slow)), `${A.repeat(8)}:3\r\n`);
  });

  it('count what waits in the budget of what was received', () => {
    const { slow } = stageOfTwo();
    slow.call(...times(8, 'GET', 'a'), ['SET', 'b', 'w'.repeat(100_000)]);
    assert.ok(slow.heldBytes() > 100_000);
    readAll(slow);
    assert.equal(slow.heldBytes(), 0);
    assert.equal(slow.call(['GET', 'b']), `$100000\r\n${'w'.repeat(100_000)}\r\n`);
  });

  it('let the first command that waits tell a rollback, and the others execute', () => {
    const { stage, slow, other } = stageOfTwo();
    stage.commit();
    const first = slow.call(['SET', 'mine', '1'], ...times(5, 'GET', 'a'), ['INCR', 'n'], ['INCR', 'n']);
    assert.match(short(first), /^\+OK\r\na{1,4}$/);
    const answered = short(first).length - OK.length;
    stage.rollBack();
    const [before, error, after] = short(readAll(slow)).split(/(-ROLLBACK world-line 2: [^\r]*\r\n)/);
    assert.equal(before, '');
    assert.match(error ?? '', /was not executed, and the connection goes on/);
    assert.equal(after, `${A.repeat(5 - answered - 1)}:1\r\n:2\r\n`);
    assert.equal(slow.call(['EXISTS', 'mine']), ':0\r\n');
    assert.equal(other.call(['PING']), '+PONG\r\n');
  });

  it('are forgotten with the connection', () => {
    const { stage, slow, other } = stageOfTwo();
    slow.call(...times(8, 'GET', 'a'), ['INCR', 'n']);
    slow.connection.closed();
    stage.settle();
    assert.equal(other.call(['GET', 'n']), '$-1\r\n');
  });

  // Three values fill a batch of results; before the last of these batches it is looked how much is unread.
  const count = 66;
  const begun = `*${count}\r\n${REPLY.repeat(count - 3)}`;
  const kinds = {
    'one command': [['MGET', ...Array<string>(count).fill('a')]],
    'a transaction': [['MULTI'], ...times(count, 'GET', 'a'), ['EXEC']],
  };
  for (const [what, commands] of Object.entries(kinds)) {
    const before = what === 'one command' ? 0 : OK.length + count * '+QUEUED\r\n'.length;
    /** Have so many bytes unread when it is looked. */
    const ask = (client: TestClient, bytes: number): string => {
      const padding = bytes - begun.length - before - '$1000000\r\n\r\n'.length;
      client.call(['ECHO', ' '.repeat(padding)]);
      return client.call(...commands);
    };

    it(`are as many as ${what} has, up to the limit`, () => {
      const { slow } = stageOfTwo();
      assert.equal(ask(slow, MAX_ANSWER_BYTES).length - before, begun.length + 3 * REPLY.length);
      assert.equal(slow.isOpen(), true);
      assert.equal(slow.call(['PING']), '');
      assert.equal(read(slow), '+PONG\r\n');
    });

    it(`end the connection where ${what} has more`, () => {
      const { slow, other } = stageOfTwo();
      assert.equal(ask(slow, MAX_ANSWER_BYTES + 1).length - before, begun.length);
      assert.equal(slow.isOpen(), false);
      assert.equal(other.call(['PING']), '+PONG\r\n');
    });
  }
});
