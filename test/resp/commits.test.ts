import assert from 'node:assert/strict';
import { encodeCommand, respStage } from './stage.ts';

const OK = '+OK\r\n';
const NIL = '$-1\r\n';
const ROLLBACK = /^-ROLLBACK world-line 2: /;

describe('a commit that a Redis client waits for', () => {
  it('is there at once for who did nothing, or nothing that is not committed', () => {
    const stage = respStage();
    const client = stage.connect();
    assert.equal(client.call(['WAITAOF', '1', '0', '0'], ['WAIT', '3', '0']), '*2\r\n:1\r\n:0\r\n:3\r\n');
    client.call(['SET', 'a', '1']);
    stage.commit();
    assert.equal(client.call(['WAITAOF', '1', '0', '0'], ['WAIT', '1', '0']), '*2\r\n:1\r\n:0\r\n:1\r\n');
  });

  it('is asked for, and answered when the cut covers the last version of the connection', () => {
    const stage = respStage();
    const client = stage.connect();
    assert.equal(client.call(['SET', 'a', '1'], ['WAITAOF', '1', '0', '0'], ['GET', 'a']), OK);
    assert.notEqual(stage.worker.urgentUpTo, 0);
    stage.commit();
    assert.equal(client.received(), '*2\r\n:1\r\n:0\r\n$1\r\n1\r\n');
  });

  it('is waited for as long as was said', () => {
    const stage = respStage();
    const client = stage.connect();
    assert.equal(client.call(['SET', 'a', '1'], ['WAITAOF', '1', '0', '50'], ['WAIT', '1', '50']), OK);
    stage.pass(49);
    assert.equal(client.received(), '');
    stage.pass(1);
    assert.equal(client.received(), '*2\r\n:0\r\n:0\r\n');
    stage.pass(50);
    assert.equal(client.received(), ':0\r\n');
  });

  it('is not waited for in a transaction, or where none is asked for', () => {
    const stage = respStage();
    const client = stage.connect();
    client.call(['SET', 'a', '1'], ['MULTI'], ['WAIT', '1', '0']);
    assert.equal(
      client.call(['EXEC'], ['WAITAOF', '0', '0', '0'], ['WAIT', '0', '0']),
      '*1\r\n:0\r\n*2\r\n:0\r\n:0\r\n:0\r\n',
    );
    assert.match(client.call(['WAITAOF', '2', '0', '0']), /^-ERR value is out of range/);
    assert.match(client.call(['WAIT', '-1', '0']), /^-ERR value is out of range/);
    assert.match(client.call(['WAIT', '1', '-1']), /^-ERR timeout is negative/);
  });
});

describe('a rollback', () => {
  it('is told by the next command of who lost something, which is not executed, and by no other', () => {
    const stage = respStage();
    const [client, other, idle] = [stage.connect(), stage.connect(), stage.connect()];
    other.call(['SET', 'kept', '1']);
    stage.commit();
    client.call(['SET', 'a', '1'], ['GET', 'kept']);
    stage.rollBack();
    assert.equal(client.received(), '', 'nothing is said before it is asked for');
    assert.equal(other.call(['GET', 'kept'], ['GET', 'a']), `$1\r\n1\r\n${NIL}`);
    assert.equal(idle.call(['SET', 'b', '1']), OK);
    assert.match(client.call(['SET', 'c', '1']), ROLLBACK);
    assert.equal(client.call(['GET', 'c'], ['SET', 'c', '2'], ['GET', 'c']), `${NIL}${OK}$1\r\n2\r\n`);
  });

  it('is told once, by the first of the commands that were collected when it came', () => {
    const stage = respStage();
    const client = stage.connect();
    client.call(['SET', 'a', '1']);
    client.collect(['INCR', 'n'], ['INCR', 'n']);
    stage.rollBack();
    const [first = '', ...others] = client.received().split('\r\n');
    assert.match(first, /^-ROLLBACK world-line 2: a failure took back/);
    assert.deepEqual(others, [':1', '']);
  });

  it('is told to a client that only read what is gone', () => {
    const stage = respStage();
    const [writer, reader] = [stage.connect(), stage.connect()];
    writer.call(['SET', 'a', '1']);
    reader.call(['GET', 'a']);
    stage.rollBack();
    assert.match(reader.call(['GET', 'a']), ROLLBACK);
  });

  it('is not told by commands that libraries send by themselves', () => {
    const stage = respStage();
    const client = stage.connect();
    client.call(['SET', 'a', '1']);
    stage.rollBack();
    assert.equal(client.call(['PING'], ['CLIENT', 'SETNAME', 'x'], ['SELECT', '0']), `+PONG\r\n${OK}${OK}`);
    assert.match(client.call(['INFO', 'dpr']), /dpr_world_line:2\r\n/);
    assert.match(client.call(['WAITAOF', '1', '0', '0']), ROLLBACK);
    stage.commit();
    assert.equal(client.call(['WAITAOF', '1', '0', '0']), '*2\r\n:1\r\n:0\r\n');
  });

  it('takes a transaction as a whole', () => {
    const stage = respStage();
    const client = stage.connect();
    client.call(['SET', 'a', '1'], ['MULTI'], ['SET', 'a', '2']);
    stage.rollBack();
    assert.equal(client.call(['SET', 'b', '2']), '+QUEUED\r\n');
    assert.match(client.call(['EXEC']), ROLLBACK);
    assert.equal(client.call(['MGET', 'a', 'b']), `*2\r\n${NIL}${NIL}`);
  });

  it('ends a wait for a commit', () => {
    const stage = respStage();
    const client = stage.connect();
    client.call(['SET', 'a', '1'], ['WAITAOF', '1', '0', '0'], ['GET', 'a']);
    stage.rollBack();
    assert.match(client.received(), /^-ROLLBACK world-line 2: .*\r\n\$-1\r\n$/);
  });

  it('is also pushed to a client that speaks RESP3', () => {
    const stage = respStage();
    const client = stage.connect();
    client.call(['HELLO', '3'], ['SET', 'a', '1']);
    stage.rollBack();
    assert.match(client.received(), /^>3\r\n\$8\r\nrollback\r\n:2\r\n\$\d+\r\nworld-line 2: /);
    assert.match(client.call(['GET', 'a']), ROLLBACK);
  });

  it('is told once, whatever it takes, and names the newest world-line', () => {
    const stage = respStage();
    const client = stage.connect();
    client.call(['SET', 'a', '1']);
    stage.rollBack();
    stage.rollBack();
    assert.match(client.call(['GET', 'a']), /^-ROLLBACK world-line 2: /);
    client.call(['SET', 'a', '1']);
    stage.rollBack();
    assert.match(client.call(['GET', 'a'], ['GET', 'a']), /^-ROLLBACK world-line 4: .*\r\n\$-1\r\n$/);
  });

  it('refuses the first command of a batch that waits, and has the others executed', () => {
    const stage = respStage({ maxUnwrittenVersions: 1 });
    const client = stage.connect();
    stage.holdWrites();
    client.call(['SET', 'a', '1']);
    stage.seal();
    assert.equal(client.call(['INCR', 'a'], ['INCR', 'b'], ['INCR', 'b']), '');
    assert.equal(client.isPaused(), true);
    stage.rollBack();
    assert.match(client.received(), /^-ROLLBACK world-line 2: .*\r\n:1\r\n:2\r\n$/);
    assert.equal(client.isPaused(), false);
  });

  it('that took nothing from a connection lets its batch that waits execute', () => {
    const stage = respStage({ maxUnwrittenVersions: 1 });
    const [client, other] = [stage.connect(), stage.connect()];
    stage.holdWrites();
    other.call(['SET', 'a', '1']);
    stage.seal();
    assert.equal(client.call(['INCR', 'a'], ['PING'], ['INCR', 'b']), '');
    stage.rollBack();
    assert.equal(client.received(), ':1\r\n+PONG\r\n:1\r\n');
  });
});

describe('a batch of several connections that waits', () => {
  it('loses to a rollback the first command of each that lost something, and no other', () => {
    const stage = respStage({ maxUnwrittenVersions: 1 });
    const clients = [stage.connect(), stage.connect(), stage.connect(), stage.connect()] as const;
    const [first, second, third, fourth] = clients;
    stage.holdWrites();
    for (const client of [second, third]) client.call(['SET', 'a', '1']);
    stage.seal();
    for (const client of clients) client.connection.take(encodeCommand(['MGET', 'a', 'n']));
    for (const client of clients) client.connection.take(encodeCommand(['INCR', 'n']));
    stage.settle();
    third.connection.closed();
    stage.rollBack();
    const nothing = `*2\r\n${NIL}${NIL}`;
    assert.deepEqual([first.received(), third.received()], [`${nothing}:1\r\n`, '']);
    assert.match(second.received(), /^-ROLLBACK world-line 2: [^\r]*\r\n:2\r\n$/);
    assert.equal(fourth.received(), `${nothing}:4\r\n`);
    assert.equal(second.call(['GET', 'n']), '$1\r\n4\r\n');
  });

  it('has transactions of others wait', () => {
    const stage = respStage({ maxUnwrittenVersions: 1 });
    const [client, other] = [stage.connect(), stage.connect()];
    stage.holdWrites();
    client.call(['SET', 'a', '1']);
    stage.seal();
    client.call(['INCR', 'a']);
    assert.equal(other.call(['MULTI'], ['INCR', 'a'], ['EXEC'], ['PING']), `${OK}+QUEUED\r\n`);
    assert.equal(other.isPaused(), true);
    stage.letWrite();
    assert.deepEqual([client.received(), other.received()], [':2\r\n', '*1\r\n:3\r\n+PONG\r\n']);
    assert.equal(other.isPaused(), false);
  });
});

describe('a batch that waits', () => {
  it('is answered when it executes, with everything behind it', () => {
    const stage = respStage({ maxUnwrittenVersions: 1 });
    const [client, other] = [stage.connect(), stage.connect()];
    stage.holdWrites();
    client.call(['SET', 'a', '1']);
    stage.seal();
    assert.equal(
      client.call(['MULTI'], ['INCR', 'a'], ['EXEC'], ['HELLO', '3'], ['GET', 'nothing']),
      `${OK}+QUEUED\r\n`,
    );
    const big = 'x'.repeat(100_000);
    assert.equal(other.call(['SET', 'b', big], ['STRLEN', 'b']), '');
    stage.letWrite();
    assert.match(client.received(), /^\*1\r\n:2\r\n%7\r\n.*_\r\n$/s);
    assert.equal(other.received(), `${OK}:100000\r\n`);
  });

  it('holds up no connection whose commands in it were answered before it waits', () => {
    const stage = respStage({ maxUndoBytes: 2 ** 20 });
    const [client, other] = [stage.connect(), stage.connect()];
    const value = Buffer.alloc(3 * 2 ** 20, 'v');
    for (const key of ['a', 'b', 'c']) {
      client.call(['SET', key, value]);
      stage.commit();
    }
    // The second value has no room beside the first one, and what is sent again waits: there is as much to undo as may be.
    client.connection.take(encodeCommand(['SET', 'a', 'new']));
    other.connection.take(Buffer.concat([encodeCommand(['GET', 'b']), encodeCommand(['GET', 'c'])]));
    stage.settle();
    assert.ok(client.received() === OK);
    assert.equal(client.call(['PING']), '+PONG\r\n');
    stage.commit();
    assert.equal(other.received().length, 2 * (value.length + '$3145728\r\n\r\n'.length));
    assert.equal(client.call(['GET', 'a']), '$3\r\nnew\r\n');
  });

  it('is refused by each of its commands where too many wait', () => {
    const stage = respStage({ maxUnwrittenVersions: 1, maxWaitingBatches: 0 });
    const client = stage.connect();
    stage.holdWrites();
    client.call(['SET', 'a', '1']);
    stage.seal();
    assert.match(client.call(['INCR', 'a'], ['MGET', 'a', 'b'], ['PING']), /^(-OVERLOADED .*\r\n){2}\+PONG\r\n$/);
    assert.match(
      client.call(['MULTI'], ['INCR', 'a'], ['INCR', 'a'], ['EXEC']),
      /^\+OK\r\n(\+QUEUED\r\n){2}-OVERLOADED [^\r]*\r\n$/,
    );
    stage.letWrite();
    assert.equal(client.call(['INCR', 'a']), ':2\r\n');
  });
});

describe('a session that the worker forgot', () => {
  it('is begun anew, and nothing is executed twice or left out', () => {
    const stage = respStage();
    const client = stage.connect();
    client.call(['INCR', 'a']);
    stage.commit();
    stage.worker.sessions.entries.clear();
    assert.equal(client.call(['INCR', 'a'], ['INCR', 'a']), ':2\r\n:3\r\n');
    assert.equal(client.call(['INCR', 'a']), ':4\r\n');
  });
});
