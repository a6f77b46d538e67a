import assert from 'node:assert/strict';
import type { Waiter } from '../../services/runtime/input-turns.ts';
import {
  COLLECTED_BYTES,
  COLLECTED_OPERATIONS,
  MAX_GUEST_ARGUMENTS,
  MAX_GUEST_BULK_BYTES,
  MAX_NAME_BYTES,
  MAX_QUEUED_BYTES,
  MAX_QUEUED_COMMANDS,
  MAX_UNREAD_BYTES,
  MAX_WATCHED_BYTES,
} from '../../services/resp/limits.ts';
import { encodeCommand, respStage } from './stage.ts';

const OK = '+OK\r\n';
const NIL = '$-1\r\n';
const TOKEN = 'a-token-of-the-cluster';

describe('a connection of a Redis client', () => {
  it('sends the commands of one piece in one batch, and writes their replies at once', () => {
    const stage = respStage();
    const client = stage.connect();
    assert.equal(
      client.call(['SET', 'a', '1'], ['INCR', 'a'], ['GET', 'a'], ['GET', 'b']),
      `${OK}:2\r\n$1\r\n2\r\n${NIL}`,
    );
    assert.deepEqual(stage.batches, [4]);
    assert.equal(client.writes(), 1);
    assert.equal(client.send('GET a\r\nPING\r\nGET a\r\n'), '$1\r\n2\r\n+PONG\r\n$1\r\n2\r\n');
    assert.deepEqual(stage.batches, [4, 1, 1]);
  });

  it('answers commands wherever they are cut', () => {
    const client = respStage().connect();
    const bytes = Buffer.concat([encodeCommand(['SET', 'key', 'value']), encodeCommand(['GET', 'key'])]);
    for (let cut = 1; cut < bytes.length; cut++) {
      assert.equal(client.send(bytes.subarray(0, cut), bytes.subarray(cut)), `${OK}$5\r\nvalue\r\n`);
    }
    assert.equal(client.send(...[...bytes].map((byte) => Buffer.of(byte))), `${OK}$5\r\nvalue\r\n`);
  });

  it('answers what is wrong in its place, and goes on', () => {
    const client = respStage().connect();
    const replies = client.call(
      ['SET', 'a', 'x'],
      ['GET'],
      ['NOPE', 'a'],
      ['INCR', 'a'],
      ['SET', 'a', 'b', 'EX'],
      ['GET', 'a'],
    );
    assert.deepEqual(replies.split('\r\n'), [
      '+OK',
      "-ERR wrong number of arguments for 'get' command",
      "-ERR unknown command 'NOPE': COMMAND LIST tells what there is",
      '-ERR value is not an integer or out of range',
      '-ERR syntax error',
      '$1',
      'x',
      '',
    ]);
  });

  it('ends where what comes is no RESP, after the replies before it', () => {
    const client = respStage().connect();
    assert.equal(client.send('PING\r\n*1\r\n!'), "+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n");
    assert.equal(client.isOpen(), false);
  });

  it('ends at once where a browser was led to it', () => {
    for (const line of ['POST / HTTP/1.1\r\n', 'GET / HTTP/1.1\r\nHost: 127.0.0.1:6400\r\nX: y\r\n']) {
      const client = respStage().connect();
      client.send(`${line}SET a b\r\n`);
      assert.equal(client.isOpen(), false);
    }
  });

  it('passes over what a proxy says first', () => {
    const client = respStage().connect();
    assert.equal(client.send('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nPING\r\n'), '+PONG\r\n');
  });

  it('sends again what had no room beside other results, in order', () => {
    const stage = respStage();
    const client = stage.connect();
    const value = Buffer.alloc(3 * 1024 * 1024, 'v');
    client.call(['SET', 'a', value]);
    client.call(['SET', 'b', value]);
    stage.batches.length = 0;
    const replies = client.call(['MGET', 'a', 'b', 'c'], ['SET', 'b', 'new'], ['GET', 'b']);
    const bulk = `$${value.length}\r\n${value.toString()}\r\n`;
    assert.ok(replies === `*3\r\n${bulk}${bulk}${NIL}${OK}$3\r\nnew\r\n`);
    assert.deepEqual(stage.batches, [5, 4]);
  });

  it('sends what it collected when that is much', () => {
    const stage = respStage();
    const client = stage.connect();
    const command = encodeCommand(['DEL', 'a']);
    const replies = client.send(Buffer.concat(Array.from({ length: COLLECTED_OPERATIONS + 1 }, () => command)));
    assert.equal(replies, ':0\r\n'.repeat(COLLECTED_OPERATIONS + 1));
    assert.deepEqual(stage.batches, [COLLECTED_OPERATIONS, 1]);
    stage.batches.length = 0;
    const half = encodeCommand(['SET', 'a', Buffer.alloc(COLLECTED_BYTES / 2)]);
    assert.equal(client.send(Buffer.concat([half, half, command])), `${OK}${OK}:1\r\n`);
    assert.deepEqual(stage.batches, [2, 1]);
  });

  it('sends what it collected before a command that does not fit beside it', () => {
    const stage = respStage();
    const client = stage.connect();
    const keys = Array.from({ length: 65_536 }, () => 'a');
    assert.equal(client.call(['DEL', 'a'], ['DEL', ...keys]), ':0\r\n:0\r\n');
    assert.deepEqual(stage.batches, [1, 65_536]);
  });

  it('may write as many keys in one command as a batch has operations, and not more', () => {
    const client = respStage().connect();
    const keys = Array.from({ length: 65_537 }, () => 'a');
    assert.match(client.call(['DEL', ...keys]), /^-ERR the command is too large/);
    assert.equal(client.call(['DEL', ...keys.slice(1)]), ':0\r\n');
  });

  it('has its name in the list of clients, within its limit', () => {
    const stage = respStage();
    const client = stage.connect();
    stage.connect();
    const name = 'n'.repeat(MAX_NAME_BYTES);
    assert.equal(
      client.call(['CLIENT', 'SETNAME', name], ['CLIENT', 'GETNAME']),
      `${OK}$${name.length}\r\n${name}\r\n`,
    );
    assert.match(client.call(['CLIENT', 'SETNAME', `${name}n`]), /^-ERR a name has at most/);
    const list = client.call(['CLIENT', 'LIST']).split('\n');
    assert.equal(list.filter((line) => line.includes(`name=${name}`)).length, 1);
    assert.equal(list.filter((line) => line.startsWith('id=')).length, 2);
  });

  it('reads no commands while too much of what it was answered is not read', () => {
    const stage = respStage();
    const client = stage.connect();
    client.stopReading();
    client.call(['SET', 'a', Buffer.alloc(MAX_UNREAD_BYTES - 16 - OK.length, 'v')]);
    client.call(['GET', 'a']);
    assert.equal(client.isPaused(), false);
    assert.equal(client.call(['PING'], ['PING']), '+PONG\r\n+PONG\r\n');
    assert.equal(client.isPaused(), true);
    assert.equal(client.call(['INCR', 'n']), '');
    client.readOn();
    assert.equal(client.received(), ':1\r\n');
    assert.equal(client.isPaused(), false);
  });

  it('holds half a command in its budget, and nothing once it is complete', () => {
    const client = respStage().connect();
    const command = encodeCommand(['SET', 'a', Buffer.alloc(100_000)]);
    client.send(command.subarray(0, 50_000));
    assert.equal(client.heldBytes(), 50_000);
    assert.equal(client.send(command.subarray(50_000)), OK);
    assert.equal(client.heldBytes(), 0);
  });
});

describe('connections of Redis clients, in one turn of the event loop', () => {
  it('have their commands executed in one batch, and each its own replies', () => {
    const stage = respStage();
    const clients = [stage.connect(), stage.connect(), stage.connect()] as const;
    clients[1].call(['HELLO', '3']);
    for (const client of clients) client.connection.take(encodeCommand(['INCR', 'n']));
    clients[0].connection.take(Buffer.concat([encodeCommand(['NOPE']), encodeCommand(['GET', 'nothing'])]));
    clients[1].connection.take(encodeCommand(['GET', 'nothing']));
    stage.settle();
    assert.deepEqual(stage.batches, [5]);
    assert.match(clients[0].received(), /^:1\r\n-ERR unknown command [^\r]*\r\n\$-1\r\n$/);
    assert.deepEqual([clients[1].received(), clients[2].received()], [':2\r\n_\r\n', ':3\r\n']);
    assert.equal(clients[2].writes(), 1);
  });

  it('have them executed before a command that is about the connection itself', () => {
    const stage = respStage();
    const [client, other] = [stage.connect(), stage.connect()];
    other.connection.take(encodeCommand(['INCR', 'n']));
    client.connection.take(Buffer.from('PING\r\nINCR n\r\nPING\r\nMULTI\r\nINCR n\r\nEXEC\r\nINCR n\r\n'));
    assert.deepEqual(stage.batches, [2, 1]);
    stage.settle();
    assert.deepEqual(stage.batches, [2, 1, 1]);
    assert.equal(other.received(), ':1\r\n');
    assert.equal(client.received(), `+PONG\r\n:2\r\n+PONG\r\n${OK}+QUEUED\r\n*1\r\n:3\r\n:4\r\n`);
  });

  it('have their own replies where one of them has the commands of all executed, before and behind those of others', () => {
    const stage = respStage();
    const [first, second] = [stage.connect(), stage.connect()];
    const take = (client: typeof first, ...commands: readonly string[][]): void =>
      client.connection.take(Buffer.concat(commands.map(encodeCommand)));
    take(first, ['SET', 'a', '1'], ['INCR', 'a']);
    take(second, ['INCR', 'b']);
    take(first, ['INCR', 'a'], ['MULTI'], ['INCR', 'a'], ['EXEC'], ['INCR', 'a']);
    stage.settle();
    assert.equal(first.received(), `${OK}:2\r\n:3\r\n${OK}+QUEUED\r\n*1\r\n:4\r\n:5\r\n`);
    assert.equal(second.received(), ':1\r\n');
  });

  it('are not answered when they are closed, and others are', () => {
    const stage = respStage();
    const [client, other] = [stage.connect(), stage.connect()];
    client.connection.take(encodeCommand(['INCR', 'n']));
    other.connection.take(encodeCommand(['INCR', 'n']));
    client.connection.closed();
    stage.settle();
    assert.deepEqual([client.received(), other.received()], ['', ':2\r\n']);
  });

  it('have what comes when the turn is over wait for the next one', () => {
    const waiting: Waiter[] = [];
    let isOver = true;
    const stage = respStage({ turns: { isOver: () => isOver, wait: (waiter) => void waiting.push(waiter) } });
    const client = stage.connect();
    assert.equal(client.call(['INCR', 'n'], ['PING']), '');
    assert.equal(client.isPaused(), true);
    isOver = false;
    for (const { goOn } of waiting.splice(0)) goOn();
    stage.settle();
    assert.equal(client.received(), ':1\r\n+PONG\r\n');
    assert.equal(client.isPaused(), false);
    assert.equal(waiting.length, 0);
  });
});

describe('a client that has to show a token', () => {
  it('may do nothing before, and everything afterwards', () => {
    const client = respStage({ token: TOKEN }).connect();
    for (const command of [['GET', 'a'], ['PING'], ['NOPE'], ['MULTI'], ['INFO'], ['COMMAND']]) {
      assert.match(client.call(command), /^-NOAUTH /);
    }
    assert.match(client.call(['HELLO', '3']), /^-NOAUTH /);
    assert.match(client.call(['AUTH', 'wrong']), /^-WRONGPASS .*not the client token/);
    assert.match(client.call(['AUTH', 'someone', TOKEN]), /^-WRONGPASS /);
    assert.equal(client.call(['AUTH', TOKEN], ['SET', 'a', '1']), `${OK}${OK}`);
    assert.match(respStage({ token: TOKEN }).connect().call(['HELLO', '3', 'AUTH', 'default', TOKEN]), /^%7\r\n/);
    assert.match(client.call(['RESET'], ['GET', 'a'], ['AUTH', TOKEN]), /^\+RESET\r\n-NOAUTH [^\r]*\r\n\+OK\r\n$/);
  });

  it('may not send much before', () => {
    const words = (count: number): string[] => Array.from({ length: count }, () => 'AUTH');
    assert.match(respStage({ token: TOKEN }).connect().call(words(MAX_GUEST_ARGUMENTS)), /^-ERR syntax error/);
    const client = respStage({ token: TOKEN }).connect();
    assert.match(client.call(words(MAX_GUEST_ARGUMENTS + 1)), /^-ERR Protocol error: invalid multibulk length/);
    assert.equal(client.isOpen(), false);
    const most = 'x'.repeat(MAX_GUEST_BULK_BYTES);
    assert.match(respStage({ token: TOKEN }).connect().call(['AUTH', most]), /^-WRONGPASS/);
    assert.match(
      respStage({ token: TOKEN })
        .connect()
        .call(['AUTH', `${most}x`]),
      /^-ERR Protocol error: invalid bulk/,
    );
  });
});

describe('a transaction of a Redis client', () => {
  it('is one batch', () => {
    const stage = respStage();
    const client = stage.connect();
    assert.equal(
      client.call(['MULTI'], ['SET', 'a', '1'], ['INCR', 'a'], ['PING'], ['MGET', 'a', 'b'], ['EXEC']),
      `${OK}${'+QUEUED\r\n'.repeat(4)}*4\r\n${OK}:2\r\n+PONG\r\n*2\r\n$1\r\n2\r\n${NIL}`,
    );
    assert.deepEqual(stage.batches, [4]);
    assert.equal(client.call(['MULTI'], ['EXEC']), `${OK}*0\r\n`);
  });

  it('executes nothing after a command that is none, and the others beside one that fails', () => {
    const client = respStage().connect();
    assert.match(client.call(['MULTI'], ['SET', 'a', '1'], ['NOPE'], ['EXEC']), /-EXECABORT /);
    assert.match(client.call(['MULTI'], ['EXEC', 'a'], ['EXEC']), /-EXECABORT .*\r\n-ERR EXEC without MULTI\r\n$/);
    assert.equal(client.call(['GET', 'a']), NIL);
    assert.equal(
      client
        .call(['MULTI'], ['SET', 'a', 'x'], ['INCR', 'a'], ['SET', 'a', 'y', 'EX', '0'], ['GET', 'a'], ['EXEC'])
        .split('*4\r\n')[1],
      `${OK}-ERR value is not an integer or out of range\r\n-ERR invalid expire time in 'set' command\r\n$1\r\nx\r\n`,
    );
    assert.match(
      client.call(['MULTI'], ['MULTI'], ['WATCH', 'a'], ['PING'], ['EXEC']),
      /-ERR MULTI calls can not be nested\r\n-ERR WATCH inside MULTI [^\r]*\r\n\+QUEUED\r\n\*1\r\n\+PONG/,
    );
    assert.equal(client.call(['EXEC'], ['DISCARD']), '-ERR EXEC without MULTI\r\n-ERR DISCARD without MULTI\r\n');
    assert.equal(
      client.call(['MULTI'], ['SET', 'a', 'z'], ['DISCARD'], ['GET', 'a']),
      `${OK}+QUEUED\r\n${OK}$1\r\nx\r\n`,
    );
  });

  it('executes only if what it watches is as it was', () => {
    const stage = respStage();
    const [client, other] = [stage.connect(), stage.connect()];
    const attempt = (): string => client.call(['MULTI'], ['SET', 'done', '1'], ['EXEC']).split('+QUEUED\r\n')[1] ?? '';
    client.call(['SET', 'a', '1'], ['WATCH', 'a', 'b', 'a']);
    assert.equal(attempt(), `*1\r\n${OK}`);
    const changes = [
      ['SET', 'a', '1'],
      ['DEL', 'a'],
      ['SET', 'b', 'x'],
      ['EXPIRE', 'a', '100'],
      ['FLUSHALL'],
      ['RENAME', 'a', 'b'],
    ];
    for (const change of changes) {
      client.call(['DEL', 'done', 'b'], ['SET', 'a', '1'], ['WATCH', 'a', 'b']);
      other.call(change);
      assert.equal(attempt(), '*-1\r\n', change.join(' '));
      assert.equal(client.call(['GET', 'done']), NIL);
      assert.equal(attempt(), `*1\r\n${OK}`, 'what was watched is watched no more');
    }
    client.call(['WATCH', 'a'], ['UNWATCH']);
    other.call(['SET', 'a', 'x']);
    assert.equal(attempt(), `*1\r\n${OK}`);
    client.call(['HELLO', '3'], ['WATCH', 'a']);
    other.call(['SET', 'a', 'y']);
    assert.equal(attempt(), '_\r\n');
  });

  it('has limits, and is not executed beyond them', () => {
    const client = respStage().connect();
    const commands = (count: number) => Array.from({ length: count }, () => ['DEL', 'a']);
    assert.ok(client.call(['MULTI'], ...commands(MAX_QUEUED_COMMANDS), ['EXEC']).endsWith(':0\r\n'.repeat(9)));
    assert.match(
      client.call(['MULTI'], ...commands(MAX_QUEUED_COMMANDS + 1), ['EXEC']),
      /-ERR a transaction may have.*\r\n-EXECABORT/,
    );
    const half = Buffer.alloc(MAX_QUEUED_BYTES / 2 - 4);
    client.call(['MULTI']);
    assert.equal(client.call(['SET', 'a', half], ['SET', 'b', half]), '+QUEUED\r\n+QUEUED\r\n');
    assert.match(client.call(['GET', 'a']), /^-ERR a transaction may have/);
    assert.match(client.call(['EXEC']), /^-EXECABORT/);
  });

  it('watches keys up to a limit', () => {
    const client = respStage().connect();
    const keys = Array.from({ length: 16 }, (_, index) => Buffer.alloc(60_000, index));
    const rest = MAX_WATCHED_BYTES - 16 * 60_000 - 2 * 'WATCH'.length;
    assert.equal(client.call(['WATCH', ...keys]), OK);
    const long = 'x'.repeat(65_000);
    assert.equal(client.call(['WATCH', long]), OK);
    assert.match(client.call(['WATCH', 'y'.repeat(rest - 65_000 + 10)]), /^-ERR a connection may watch keys of/);
    assert.equal(client.call(['WATCH', 'y'.repeat(rest - 65_000 + 5)]), OK);
  });
});
