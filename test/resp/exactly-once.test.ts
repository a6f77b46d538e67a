import assert from 'node:assert/strict';
import { MAX_NAME_BYTES } from '../../services/resp/limits.ts';
import { respStage, type TestClient } from './stage.ts';

const GAP = /^-SEQUENCEGAP batch (\d+) is expected/;
const UNKNOWN = /^-SESSIONEXPIRED the session was idle for too long and is forgotten; or a failure took back all of it/;

function increment(client: TestClient, sequence: number | string, session = 'job'): string {
  return client.call(['DPR.SESSION', session, String(sequence), 'INCR', 'n']);
}

describe('a command that has a number in a session', () => {
  it('executes once, and is answered the same however often it is sent, on whatever connection', () => {
    const stage = respStage();
    const [client, other] = [stage.connect(), stage.connect()];
    for (const one of [client, client, other]) assert.equal(increment(one, 1), ':1\r\n');
    for (const one of [other, client]) assert.equal(increment(one, 2), ':2\r\n');
    assert.equal(client.call(['GET', 'n']), '$1\r\n2\r\n');
  });

  it('is refused where an earlier one is missing, or has been followed by others', () => {
    const client = respStage().connect();
    for (const sequence of [1, 2, 3]) assert.equal(increment(client, sequence), `:${sequence}\r\n`);
    assert.match(increment(client, 2), /^-SEQUENCEGAP the reply to batch 2 was acknowledged and is forgotten/);
    assert.equal(GAP.exec(increment(client, 5))?.[1], '4');
    assert.equal(client.call(['INCR', 'n'], ['GET', 'n']), ':4\r\n$1\r\n4\r\n');
  });

  it('knows nothing of other sessions', () => {
    const client = respStage().connect();
    assert.equal(increment(client, 1, 'a'), ':1\r\n');
    assert.equal(increment(client, 1, 'b'), ':2\r\n');
    assert.equal(increment(client, 1, 'a'), ':1\r\n');
  });

  it('executes again if a failure took it back, and only then', () => {
    const stage = respStage();
    const [client, other] = [stage.connect(), stage.connect()];
    increment(client, 1);
    stage.commit();
    increment(client, 2);
    stage.rollBack();
    assert.equal(GAP.exec(increment(other, 3))?.[1], '2');
    assert.match(increment(client, 2), /^-ROLLBACK /);
    assert.equal(increment(client, 2), ':2\r\n');
    assert.equal(increment(other, 2), ':2\r\n');
  });

  it('is refused in a session that is not known, since a failure may have taken it back', () => {
    const stage = respStage();
    const client = stage.connect();
    assert.match(increment(client, 2), UNKNOWN);
    increment(client, 1);
    increment(client, 2);
    stage.rollBack();
    assert.match(increment(client, 3), /^-ROLLBACK /);
    assert.match(increment(client, 3), UNKNOWN);
    assert.equal(increment(client, 1), ':1\r\n');
  });

  it('is part of what its connection did, also when it is answered from memory', () => {
    const stage = respStage();
    const [client, other] = [stage.connect(), stage.connect()];
    increment(client, 1);
    assert.equal(increment(other, 1), ':1\r\n');
    stage.rollBack();
    for (const one of [client, other]) assert.match(one.call(['GET', 'n']), /^-ROLLBACK /);
  });

  it('executes once where its client went away while it waited, and sends it again', () => {
    const stage = respStage({ maxUnwrittenVersions: 1 });
    const [client, other] = [stage.connect(), stage.connect()];
    other.call(['SET', 'a', '1']);
    stage.holdWrites();
    stage.seal();
    assert.equal(increment(client, 1), '');
    client.connection.closed();
    assert.equal(increment(other, 1), '');
    stage.letWrite();
    assert.equal(other.received(), ':1\r\n');
    assert.equal(other.call(['GET', 'n']), '$1\r\n1\r\n');
  });

  it('may have several keys, and answers in each protocol', () => {
    const client = respStage().connect();
    for (let time = 0; time < 2; time++) {
      assert.equal(client.call(['DPR.SESSION', 's', '1', 'MSET', 'a', '1', 'b', '2']), '+OK\r\n');
    }
    client.call(['HSET', 'h', 'f', 'v'], ['HELLO', '3']);
    for (let time = 0; time < 2; time++) {
      assert.equal(client.call(['DPR.SESSION', 's', '2', 'HGETALL', 'h']), '%1\r\n$1\r\nf\r\n$1\r\nv\r\n');
    }
  });

  it('has a name and a number within their limits', () => {
    const client = respStage().connect();
    assert.equal(increment(client, 1, 's'.repeat(MAX_NAME_BYTES)), ':1\r\n');
    for (const name of ['', 's'.repeat(MAX_NAME_BYTES + 1)]) {
      assert.match(increment(client, 1, name), /^-ERR the name of a session has 1 to 256 bytes/);
    }
    for (const number of ['0', '-1', '1.5', 'x', String(2 ** 53)]) {
      assert.match(increment(client, number), /^-ERR commands of a session are numbered from 1 on/);
    }
    assert.match(increment(client, Number.MAX_SAFE_INTEGER), UNKNOWN);
  });

  it('is one on keys, and complete, and does not go on for long', () => {
    const client = respStage().connect();
    for (const words of [
      ['PING'],
      ['NONE'],
      ['INCR'],
      ['FLUSHALL'],
      ['MULTI'],
      ['DPR.SESSION', 's', '1', 'GET', 'a'],
    ]) {
      const reply = client.call(['DPR.SESSION', 's', '1', ...words]);
      assert.match(
        reply,
        /^-ERR DPR\.SESSION executes complete commands on keys, and '[A-Z.]+' is none or goes on for long/,
      );
    }
    client.call(['MULTI'], ['DPR.SESSION', 's', '1', 'INCR', 'n']);
    assert.match(client.call(['EXEC']), /^\*1\r\n-ERR commands of DPR are not for transactions/);
    assert.match(client.call(['DPR.SESSION', 's', '1', 'SET', 'a', 'b', 'WRONG']), /^-ERR syntax error/);
    assert.equal(increment(client, 1, 's'), ':1\r\n');
  });
});
