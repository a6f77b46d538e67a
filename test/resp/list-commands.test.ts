/** What each command on lists answers, as Redis does. */
import { MAX_VALUE_BYTES } from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { ask, type Dialogue, hold } from './dialogue.ts';
import { respStage, type TestClient } from './stage.ts';

const OK = '+OK';
const NOT_INTEGER = /^-ERR value is not an integer or out of range/;
const NOT_POSITIVE = /^-ERR value is out of range, must be positive/;
const SYNTAX = /^-ERR syntax error/;
const WRONG_TYPE = /^-WRONGTYPE Operation against a key holding the wrong kind of value/;

const DIALOGUES: Readonly<Record<string, Dialogue>> = {
  'elements are added at both ends': [
    ['RPUSH l a b c', 3],
    ['LPUSH l 1 2', 5],
    ['LRANGE l 0 -1', ['2', '1', 'a', 'b', 'c']],
    ['LLEN l', 5],
    ['LLEN none', 0],
    ['TYPE l', '+list'],
    ['SCAN 0 TYPE list', ['0', ['l']]],
    ['SCAN 0 TYPE string', ['0', []]],
    ['SCAN 0 TYPE none', ['0', []]],
    ['LPUSHX none a', 0],
    ['RPUSHX none a', 0],
    ['EXISTS none', 0],
    ['LPUSHX l x y', 7],
    ['RPUSHX l z ""', 9],
    ['LRANGE l 0 -1', ['y', 'x', '2', '1', 'a', 'b', 'c', 'z', '']],
    ['LPUSH l', /^-ERR wrong number of arguments for 'lpush' command/],
  ],
  'elements are taken from both ends': [
    ['RPUSH l a b c d e f', 6],
    ['LPOP l', 'a'],
    ['RPOP l', 'f'],
    ['LPOP l 0', []],
    ['LPOP l 2', ['b', 'c']],
    ['RPUSH l f', 3],
    ['RPOP l 2', ['f', 'e']],
    ['RPOP l 9223372036854775807', ['d']],
    ['EXISTS l', 0],
    ['LPOP l', null],
    ['LPOP l 0', null],
    ['RPOP l 2', null],
    ['LPOP l -1', NOT_POSITIVE],
    ['LPOP l x', NOT_POSITIVE],
    ['LPOP l 9223372036854775808', NOT_POSITIVE],
    ['LPOP l 1 2', /^-ERR wrong number of arguments for 'lpop' command/],
  ],
  'elements are told by their places': [
    ['RPUSH l a b c d e', 5],
    ['LINDEX l 0', 'a'],
    ['LINDEX l -1', 'e'],
    ['LINDEX l -5', 'a'],
    ['LINDEX l 5', null],
    ['LINDEX l -6', null],
    ['LINDEX none 0', null],
    ['LINDEX l x', NOT_INTEGER],
    ['LINDEX l 9223372036854775807', null],
    ['LRANGE l 1 3', ['b', 'c', 'd']],
    ['LRANGE l -2 100', ['d', 'e']],
    ['LRANGE l -100 0', ['a']],
    ['LRANGE l 3 1', []],
    ['LRANGE l 5 9', []],
    ['LRANGE l 0 -100', []],
    ['LRANGE none 0 -1', []],
    ['LRANGE l x 1', NOT_INTEGER],
    ['LRANGE l 1 x', NOT_INTEGER],
  ],
  'elements are changed, and put beside others': [
    ['RPUSH l a b c b', 4],
    ['LSET l 1 B', OK],
    ['LSET l -1 longer', OK],
    ['LRANGE l 0 -1', ['a', 'B', 'c', 'longer']],
    ['LSET l 4 x', /^-ERR index out of range/],
    ['LSET l -5 x', /^-ERR index out of range/],
    ['LSET none 0 x', /^-ERR no such key/],
    ['LSET l x x', NOT_INTEGER],
    ['LINSERT l BEFORE a 1', 5],
    ['LINSERT l after longer 2', 6],
    ['LINSERT l AFTER B 3', 7],
    ['LINSERT l BEFORE none x', -1],
    ['LINSERT none BEFORE a x', 0],
    ['LINSERT l BESIDE a x', SYNTAX],
    ['LRANGE l 0 -1', ['1', 'a', 'B', '3', 'c', 'longer', '2']],
  ],
  'elements are removed': [
    ['RPUSH l a b a c a b a', 7],
    ['LREM l 1 a', 1],
    ['LREM l -2 a', 2],
    ['LRANGE l 0 -1', ['b', 'a', 'c', 'b']],
    ['LREM l 0 b', 2],
    ['LREM l 0 none', 0],
    ['LREM none 0 a', 0],
    ['LREM l x a', NOT_INTEGER],
    ['LRANGE l 0 -1', ['a', 'c']],
    ['LREM l -5 a', 1],
    ['LREM l 5 c', 1],
    ['EXISTS l', 0],
    ['RPUSH l a b c d e', 5],
    ['LTRIM l 1 -2', OK],
    ['LRANGE l 0 -1', ['b', 'c', 'd']],
    ['LTRIM l 0 100', OK],
    ['LTRIM l -2 -1', OK],
    ['LRANGE l 0 -1', ['c', 'd']],
    ['LTRIM l x 1', NOT_INTEGER],
    ['LTRIM none 0 1', OK],
    ['LTRIM l 5 3', OK],
    ['EXISTS l', 0],
  ],
  'elements are looked for': [
    ['RPUSH l a b c 1 2 3 c c', 8],
    ['LPOS l c', 2],
    ['LPOS l none', null],
    ['LPOS l c RANK 2', 6],
    ['LPOS l c RANK -1', 7],
    ['LPOS l c RANK 4', null],
    ['LPOS l c RANK -9223372036854775807', null],
    ['LPOS l c RANK -9223372036854775808', 7],
    ['LPOS l c COUNT 2', [2, 6]],
    ['LPOS l c COUNT 0', [2, 6, 7]],
    ['LPOS l c RANK -1 COUNT 2', [7, 6]],
    ['LPOS l c RANK -2 COUNT 0', [6, 2]],
    ['LPOS l c COUNT 0 MAXLEN 7', [2, 6]],
    ['LPOS l c RANK -1 COUNT 0 MAXLEN 2', [7, 6]],
    ['LPOS l c MAXLEN 2', null],
    ['LPOS l c maxlen 0 rank 1 count 0', [2, 6, 7]],
    ['LPOS l none COUNT 1', []],
    ['LPOS none c', null],
    ['LPOS none c COUNT 1', []],
    ['LPOS l c RANK 0', /^-ERR RANK can't be zero/],
    ['LPOS l c RANK x', NOT_INTEGER],
    ['LPOS l c COUNT -1', /^-ERR COUNT can't be negative/],
    ['LPOS l c COUNT x', /^-ERR COUNT can't be negative/],
    ['LPOS l c MAXLEN -1', /^-ERR MAXLEN can't be negative/],
    ['LPOS l c RANK', SYNTAX],
    ['LPOS l c FOO 1', SYNTAX],
  ],
  'elements are moved': [
    ['RPUSH l a b c', 3],
    ['LMOVE l m LEFT RIGHT', 'a'],
    ['LMOVE l m right left', 'c'],
    ['LRANGE m 0 -1', ['c', 'a']],
    ['RPOPLPUSH l m', 'b'],
    ['EXISTS l', 0],
    ['LRANGE m 0 -1', ['b', 'c', 'a']],
    ['LMOVE l m LEFT LEFT', null],
    ['RPOPLPUSH l m', null],
    ['LMOVE m m LEFT RIGHT', 'b'],
    ['RPOPLPUSH m m', 'b'],
    ['LMOVE m m LEFT LEFT', 'b'],
    ['LRANGE m 0 -1', ['b', 'c', 'a']],
    ['LMOVE m l UP LEFT', SYNTAX],
    ['LMOVE m l LEFT DOWN', SYNTAX],
    ['RPUSH one x', 1],
    ['RPOPLPUSH one one', 'x'],
    ['LRANGE one 0 -1', ['x']],
  ],
  'elements are taken from the first list of several': [
    ['RPUSH l a b c', 3],
    ['RPUSH m d e', 2],
    ['LMPOP 2 none l LEFT', ['l', ['a']]],
    ['LMPOP 3 none l m RIGHT COUNT 5', ['l', ['c', 'b']]],
    ['LMPOP 2 l m left count 1', ['m', ['d']]],
    ['LMPOP 2 l none LEFT', null],
    ['LMPOP 0 l LEFT', /^-ERR numkeys should be greater than 0/],
    ['LMPOP x l LEFT', /^-ERR numkeys should be greater than 0/],
    ['LMPOP 2 l LEFT', SYNTAX],
    ['LMPOP 9223372036854775807 l LEFT', SYNTAX],
    ['LMPOP 1 l m LEFT', SYNTAX],
    ['LMPOP 1 l UP', SYNTAX],
    ['LMPOP 1 m LEFT COUNT', SYNTAX],
    ['LMPOP 1 m LEFT COUNT 1 COUNT 1', SYNTAX],
    ['LMPOP 1 m LEFT FOO 1', SYNTAX],
    ['LMPOP 1 m LEFT COUNT 0', /^-ERR count should be greater than 0/],
    ['LMPOP 1 m LEFT COUNT x', /^-ERR count should be greater than 0/],
    ['LMPOP 1 m', /^-ERR wrong number of arguments for 'lmpop' command/],
    ['LLEN m', 1],
  ],
  'a key that is no list stays as it is': [
    ['SET s x', OK],
    ['RPUSH l a', 1],
    ['LPUSH s a', WRONG_TYPE],
    ['RPUSHX s a', WRONG_TYPE],
    ['LPOP s', WRONG_TYPE],
    ['RPOP s 0', WRONG_TYPE],
    ['LLEN s', WRONG_TYPE],
    ['LINDEX s 0', WRONG_TYPE],
    ['LSET s 0 a', WRONG_TYPE],
    ['LRANGE s 0 1', WRONG_TYPE],
    ['LINSERT s BEFORE a b', WRONG_TYPE],
    ['LREM s 0 a', WRONG_TYPE],
    ['LTRIM s 0 1', WRONG_TYPE],
    ['LPOS s a', WRONG_TYPE],
    ['LPOS s a COUNT 1', WRONG_TYPE],
    ['LMOVE s l LEFT LEFT', WRONG_TYPE],
    ['LMOVE l s LEFT LEFT', WRONG_TYPE],
    ['LMOVE none s LEFT LEFT', null],
    ['LMPOP 2 none s LEFT', WRONG_TYPE],
    ['LMPOP 2 l s LEFT', ['l', ['a']]],
    ['GET s', 'x'],
    ['RPUSH l a', 1],
    ['GET l', WRONG_TYPE],
    ['INCR l', WRONG_TYPE],
    ['APPEND l x', WRONG_TYPE],
    ['SET l x', OK],
    ['GET l', 'x'],
  ],
  'a list keeps its time, and goes by keys': [
    ['RPUSH l a b', 2],
    ['EXPIRE l 100', 1],
    ['RPUSH l c', 3],
    ['LPOP l', 'a'],
    ['LSET l 0 x', OK],
    ['TTL l', 100],
    ['RENAME l m', OK],
    ['COPY m l', 1],
    ['TTL l', 100],
    ['LRANGE l 0 -1', ['x', 'c']],
    ['LMOVE l new LEFT LEFT', 'x'],
    ['TTL new', -1],
    ['LMOVE l m LEFT LEFT', 'c'],
    ['TTL m', 100],
    ['RPUSH l a', 1],
    ['TTL l', -1],
    ['DEL l m new', 3],
    ['DBSIZE', 0],
  ],
};

/** A list with so many elements, of so many bytes each, which begin with their places. */
function fill(client: TestClient, key: string, count: number, bytes = 6): string[] {
  const elements = Array.from({ length: count }, (_, index) => `${index}`.padEnd(bytes, '.'));
  const together = Math.min(10_000, Math.floor(2_000_000 / bytes));
  for (let from = 0; from < count; from += together)
    client.call(['RPUSH', key, ...elements.slice(from, from + together)]);
  return elements;
}

describe('commands on lists', () => {
  for (const [what, dialogue] of Object.entries(DIALOGUES)) {
    it(`are as in Redis: ${what}`, () => {
      hold(respStage().connect(), dialogue);
      const client = respStage().connect();
      client.call(['HELLO', '3']);
      hold(client, dialogue);
    });
  }

  it('say that there is nothing as Redis does in each protocol', () => {
    const client = respStage().connect();
    client.call(['RPUSH', 'l', 'a']);
    const commands = [
      ['LPOP', 'n'],
      ['LPOP', 'n', '0'],
      ['LMPOP', '1', 'n', 'LEFT'],
      ['LPOS', 'n', 'x'],
      ['LPOS', 'n', 'x', 'COUNT', '0'],
      ['LMOVE', 'n', 'm', 'LEFT', 'LEFT'],
      ['LINDEX', 'n', '0'],
      ['LRANGE', 'n', '0', '1'],
      ['LPOP', 'l', '0'],
    ];
    assert.equal(client.call(...commands), '$-1\r\n*-1\r\n*-1\r\n$-1\r\n*0\r\n$-1\r\n$-1\r\n*0\r\n*0\r\n');
    client.call(['HELLO', '3']);
    assert.equal(client.call(...commands), '_\r\n_\r\n_\r\n_\r\n*0\r\n_\r\n_\r\n*0\r\n*0\r\n');
  });

  it('are for lists of many elements', () => {
    const client = respStage().connect();
    let elements = fill(client, 'l', 30_000);
    const all = () => ask(client, 'LRANGE l 0 -1');
    assert.equal(ask(client, 'LLEN l'), 30_000);
    assert.deepEqual(all(), elements);
    assert.equal(ask(client, 'LINDEX l 12345'), '12345.');
    assert.equal(ask(client, 'LPOS l 29000. RANK -1'), 29_000);
    assert.equal(ask(client, 'LINSERT l AFTER 15000. x'), 30_001);
    elements.splice(15_001, 0, 'x');
    assert.equal(ask(client, 'LREM l -1 x'), 1);
    elements.splice(15_001, 1);
    assert.equal(ask(client, 'LTRIM l 5000 -5001'), OK);
    elements = elements.slice(5_000, -5_000);
    assert.deepEqual(all(), elements);
    assert.equal(ask(client, 'COPY l copy'), 1);
    assert.deepEqual(ask(client, 'RPOP l 9000'), elements.splice(-9_000).reverse());
    assert.deepEqual(ask(client, 'LPOP l 9000'), elements.splice(0, 9_000));
    assert.deepEqual(all(), elements);
    assert.equal(ask(client, 'DEL l'), 1);
    assert.equal(ask(client, 'LLEN copy'), 20_000);
  });

  it('tell what has no room in a reply, and change nothing then', () => {
    const client = respStage().connect();
    fill(client, 'l', 50, 100_000);
    const tooLarge = /^-ERR the reply would be too large/;
    hold(client, [
      ['LRANGE l 0 -1', tooLarge],
      ['LPOP l 50', tooLarge],
      ['LMPOP 1 l RIGHT COUNT 50', tooLarge],
      ['LLEN l', 50],
    ]);
    assert.equal((ask(client, 'RPOP l 40') as string[]).length, 40);
    // Two pops of one pipeline whose elements have no room in one batch's results.
    fill(client, 'm', 50, 100_000);
    const replies = client.send('LPOP m 25\r\nLPOP m 20\r\nLLEN m\r\n');
    assert.ok(replies.startsWith('*25\r\n') && replies.endsWith(':5\r\n'));
  });

  it('have elements as large as values', () => {
    const client = respStage().connect();
    const value = Buffer.alloc(MAX_VALUE_BYTES, 'v');
    const large = Buffer.concat([value, Buffer.from('v')]);
    const reply = `$${MAX_VALUE_BYTES}\r\n${value.toString()}\r\n`;
    assert.equal(client.call(['RPUSH', 'l', value]), ':1\r\n');
    assert.equal(client.call(['RPUSH', 'l', 'x', 'y']), ':3\r\n');
    assert.equal(client.call(['LMOVE', 'l', 'm', 'LEFT', 'LEFT']), reply);
    assert.equal(client.call(['LSET', 'l', '0', value]), '+OK\r\n');
    assert.equal(client.call(['LPOS', 'l', value]), ':0\r\n');
    assert.equal(client.call(['LREM', 'l', '0', value]), ':1\r\n');
    assert.equal(client.call(['LINSERT', 'l', 'BEFORE', 'y', value]), ':2\r\n');
    assert.equal(client.call(['LPOP', 'l', '1']), `*1\r\n${reply}`);
    assert.equal(client.call(['LMPOP', '1', 'm', 'LEFT']), `*2\r\n$1\r\nm\r\n*1\r\n${reply}`);
    for (const command of [
      ['LPUSH', 'l', large],
      ['LSET', 'l', '0', large],
      ['LINSERT', 'l', 'BEFORE', 'y', large],
      ['LREM', 'l', '0', large],
      ['LPOS', 'l', large],
    ]) {
      assert.match(client.call(command), /^-ERR a value has at most/);
    }
    assert.match(client.call(['LPUSH', 'l', value, value]), /^-ERR the command is too large/);
    assert.match(client.call(['LMOVE', 'l', 'k'.repeat(65_536), 'LEFT', 'LEFT']), /^-ERR a key has at most/);
    assert.match(client.call(['LMPOP', '2', 'l', 'k'.repeat(65_536), 'LEFT']), /^-ERR a key has at most/);
    assert.equal(ask(client, 'LLEN l'), 1);
  });

  it('say that the store is full, change nothing then, and still remove', () => {
    const client = respStage({ storeBytes: 400_000 }).connect();
    const value = Buffer.alloc(5_000, 'v').toString();
    while (client.call(['RPUSH', 'l', value, value]).startsWith(':')) assert.ok(true);
    const length = ask(client, 'LLEN l') as number;
    assert.ok(length > 20);
    hold(client, [
      [`LPUSH l ${value} ${value}`, /^-OOM /],
      [`LSET l 0 ${value}${value}`, /^-OOM /],
      [`LINSERT l BEFORE ${value} ${value}${value}`, /^-OOM /],
      ['LLEN l', length],
      ['LPOP l', value],
      ['LTRIM l 2 -1', OK],
      [`LREM l 1 ${value}`, 1],
      ['LLEN l', length - 4],
      ['DEL l', 1],
    ]);
    assert.equal(ask(client, `RPUSH new ${value}`), 1);
  });

  it('change what transactions watch', () => {
    const stage = respStage();
    const [client, other] = [stage.connect(), stage.connect()];
    for (const [command, changes] of [
      ['RPUSH l x', true],
      ['LSET l 0 y', true],
      ['LPOP l', true],
      ['LPOP l 0', false],
      ['LRANGE l 0 -1', false],
      ['LREM l 0 none', false],
      ['LINSERT l BEFORE none x', false],
    ] as const) {
      client.call(['DEL', 'l'], ['RPUSH', 'l', 'a', 'b'], ['WATCH', 'l']);
      ask(other, command);
      hold(client, [
        ['MULTI', OK],
        ['LLEN l', '+QUEUED'],
      ]);
      assert.equal(ask(client, 'EXEC') === null, changes, command);
    }
  });
});
