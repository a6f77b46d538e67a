/** What commands on hashes answer, and what others answer for keys that hold one. */
import assert from 'node:assert/strict';
import { MAX_VALUE_BYTES } from '@dpr/store/operations';
import { ask, type Dialogue, hold } from './dialogue.ts';
import { respStage, type TestClient } from './stage.ts';

const OK = '+OK';
const NOT_INTEGER = /^-ERR value is not an integer or out of range/;
const SYNTAX = /^-ERR syntax error/;
const WRONG_TYPE = /^-WRONGTYPE Operation against a key holding the wrong kind of value$/;
const ARITY = /^-ERR wrong number of arguments for '[a-z]+' command/;
const NOT_FLOAT = /^-ERR value is not a valid float/;

const DIALOGUES: Readonly<Record<string, Dialogue>> = {
  'fields are written, read and removed': [
    ['HGET h a', null],
    ['HSET h a 1 b 2', 2],
    ['HSET h b 3 c 4 c 5', 1],
    ['HMSET h d 6', OK],
    ['HGET h b', '3'],
    ['HGET h x', null],
    ['HMGET h a x c a', ['1', null, '5', '1']],
    ['HMGET none a b', [null, null]],
    ['HLEN h', 4],
    ['HLEN none', 0],
    ['HSETNX h a 9', 0],
    ['HSETNX h e ""', 1],
    ['HGET h e', ''],
    ['HEXISTS h e', 1],
    ['HEXISTS h x', 0],
    ['HEXISTS none x', 0],
    ['HSTRLEN h e', 0],
    ['HSTRLEN h b', 1],
    ['HSTRLEN none b', 0],
    ['HDEL h a x b a', 2],
    ['HDEL none a', 0],
    ['HDEL h c d e', 3],
    ['EXISTS h', 0],
    ['HSET h "" empty', 1],
    ['HGETALL h', ['', 'empty']],
    ['HKEYS h', ['']],
    ['HVALS h', ['empty']],
    ['HGETALL none', []],
    ['HKEYS none', []],
    ['HSET h a', ARITY],
    ['HSET h a 1 b', ARITY],
    ['HMSET h a 1 b', ARITY],
    ['HSETNX h a', ARITY],
    ['HGET h', ARITY],
  ],
  'numbers in fields are added to': [
    ['HINCRBY h n 5', 5],
    ['HINCRBY h n -7', -2],
    ['HSET h max 9223372036854775807 text x float 1.5', 3],
    ['HINCRBY h max 1', /^-ERR increment or decrement would overflow/],
    ['HINCRBY h text 1', /^-ERR hash value is not an integer/],
    ['HINCRBY h float 1', /^-ERR hash value is not an integer/],
    ['HINCRBY h n 1.5', NOT_INTEGER],
    ['HINCRBYFLOAT h float 0.1', '1.6'],
    ['HINCRBYFLOAT h n 2.50', '0.5'],
    ['HINCRBYFLOAT h new -3e2', '-300'],
    ['HINCRBYFLOAT h text 1', /^-ERR hash value is not a float/],
    ['HINCRBYFLOAT h n x', NOT_FLOAT],
    ['HINCRBYFLOAT h n inf', /^-ERR value is NaN or Infinity/],
    ['HGET h max', '9223372036854775807'],
    ['HGET h text', 'x'],
    ['HLEN h', 5],
  ],
  'fields are drawn and walked over': [
    ['HRANDFIELD none', null],
    ['HRANDFIELD none 3', []],
    ['HSET h a 1', 1],
    ['HRANDFIELD h', 'a'],
    ['HRANDFIELD h 0', []],
    ['HRANDFIELD h 5', ['a']],
    ['HRANDFIELD h 5 WITHVALUES', ['a', '1']],
    ['HRANDFIELD h -3', ['a', 'a', 'a']],
    ['HRANDFIELD h -2 WITHVALUES', ['a', '1', 'a', '1']],
    ['HRANDFIELD h x', NOT_INTEGER],
    ['HRANDFIELD h 1 WITH', SYNTAX],
    ['HRANDFIELD h 1 WITHVALUES x', SYNTAX],
    ['HRANDFIELD h -9223372036854775808', /^-ERR value is out of range, value must between/],
    ['HRANDFIELD h 9223372036854775807', ['a']],
    ['HRANDFIELD h 4611686018427387903 WITHVALUES', ['a', '1']],
    ['HRANDFIELD h 4611686018427387904 WITHVALUES', /^-ERR value is out of range$/],
    ['HRANDFIELD h -4611686018427387904 WITHVALUES', /^-ERR value is out of range$/],
    ['HSCAN h 0', ['0', ['a', '1']]],
    ['HSCAN h 0 MATCH b* COUNT 10', ['0', []]],
    ['HSCAN none 0', ['0', []]],
    ['HSCAN h x', /^-ERR invalid cursor/],
    ['HSCAN h 18446744073709551616', /^-ERR invalid cursor/],
    ['HSCAN h 18446744073709549568', ['0', ['a', '1']]],
    ['HSCAN h -1', ['0', ['a', '1']]],
    ['HSCAN h ""', ['0', ['a', '1']]],
    ['HSCAN h 0 COUNT 0', SYNTAX],
    ['HSCAN h 0 TYPE hash', SYNTAX],
  ],
  'a key holds a hash or something else': [
    ['HSET h a 1', 1],
    ['SET s 1', OK],
    ['TYPE h', '+hash'],
    ['OBJECT ENCODING h', 'listpack'],
    ['OBJECT ENCODING s', 'int'],
    ['OBJECT ENCODING none', null],
    ['OBJECT REFCOUNT h', 1],
    ['OBJECT FREQ h', /^-ERR unknown subcommand 'FREQ'/],
    ['GET h', WRONG_TYPE],
    ['GETRANGE h 0 1', WRONG_TYPE],
    ['STRLEN h', WRONG_TYPE],
    ['APPEND h x', WRONG_TYPE],
    ['SETRANGE h 1 x', WRONG_TYPE],
    ['INCR h', WRONG_TYPE],
    ['INCRBYFLOAT h 1', WRONG_TYPE],
    ['GETSET h x', WRONG_TYPE],
    ['SET h x GET', WRONG_TYPE],
    ['GETDEL h', WRONG_TYPE],
    ['GETEX h EX 10', WRONG_TYPE],
    ['TTL h', -1],
    ['MGET h s', [null, '1']],
    ['HGETALL h', ['a', '1']],
    ['HGET s a', WRONG_TYPE],
    ['HMGET s a b', WRONG_TYPE],
    ['HSET s a 1', WRONG_TYPE],
    ['HMSET s a 1', WRONG_TYPE],
    ['HSETNX s a 1', WRONG_TYPE],
    ['HDEL s a', WRONG_TYPE],
    ['HLEN s', WRONG_TYPE],
    ['HEXISTS s a', WRONG_TYPE],
    ['HSTRLEN s a', WRONG_TYPE],
    ['HGETALL s', WRONG_TYPE],
    ['HKEYS s', WRONG_TYPE],
    ['HVALS s', WRONG_TYPE],
    ['HINCRBY s a 1', WRONG_TYPE],
    ['HINCRBYFLOAT s a 1', WRONG_TYPE],
    ['HRANDFIELD s', WRONG_TYPE],
    ['HRANDFIELD s 2', WRONG_TYPE],
    ['HSCAN s 0', WRONG_TYPE],
    ['GET s', '1'],
    ['SCAN 0 TYPE hash COUNT 1000', ['0', ['h']]],
    ['SCAN 0 TYPE string COUNT 1000', ['0', ['s']]],
    ['SCAN 0 TYPE other COUNT 1000', ['0', []]],
    ['SETNX h x', 0],
    ['SET h x', OK],
    ['GET h', 'x'],
  ],
};

/** Commands that write so many fields. */
function fill(client: TestClient, key: string, count: number, value = 'v'): void {
  const words = Array.from({ length: count }, (_, index) => [`f${index}`, `${value}${index}`]).flat();
  assert.equal(client.call(['HSET', key, ...words]), `:${count}\r\n`);
}

describe('commands on hashes', () => {
  for (const [what, dialogue] of Object.entries(DIALOGUES)) {
    it(`are as in Redis: ${what}`, () => {
      hold(respStage().connect(), dialogue);
    });
  }

  it('tell maps and pairs by RESP3', () => {
    const client = respStage().connect();
    client.send('HELLO 3\r\n');
    hold(client, [
      ['HGETALL h', new Map()],
      ['HSET h a 1', 1],
      ['HGETALL h', new Map([['a', '1']])],
      ['HRANDFIELD h 2 WITHVALUES', [['a', '1']]],
      ['HRANDFIELD h 2', ['a']],
      ['HGET h x', null],
    ]);
  });

  it('are the same for a hash that is one record and for one with thousands of fields', () => {
    const client = respStage().connect();
    for (const count of [128, 129, 5_000]) {
      const key = `h${count}`;
      fill(client, key, count);
      assert.equal(ask(client, `OBJECT ENCODING ${key}`), count > 128 ? 'hashtable' : 'listpack');
      assert.equal(ask(client, `HLEN ${key}`), count);
      assert.equal(ask(client, `HGET ${key} f77`), 'v77');
      const all = ask(client, `HGETALL ${key}`) as string[];
      const fields = Array.from({ length: count }, (_, index) => `f${index}`);
      assert.deepEqual(all.filter((_, index) => index % 2 === 0).sort(), fields.sort());
      const drawn = ask(client, `HRANDFIELD ${key} 100`) as string[];
      assert.equal(new Set(drawn).size, 100);
      assert.equal((ask(client, `HRANDFIELD ${key} -${count + 1}`) as string[]).length, count + 1);
    }
  });

  it('walk over every field that is there all the way, whatever comes and goes', () => {
    const client = respStage().connect();
    fill(client, 'h', 2_000);
    const found = new Map<string, string>();
    let [cursor, calls] = ['0', 0];
    do {
      const [next, items] = ask(client, `HSCAN h ${cursor} COUNT 100 MATCH f*`) as [string, string[]];
      for (let at = 0; at < items.length; at += 2) found.set(items[at] ?? '', items[at + 1] ?? '');
      client.call(['HSET', 'h', `new${calls}`, 'x', `f${calls}`, 'changed'], ['HDEL', 'h', `new${calls - 5}`]);
      cursor = next;
      calls++;
    } while (cursor !== '0');
    assert.ok(calls >= 20 && calls < 30, `${calls} calls`);
    for (let index = 0; index < 2_000; index++) assert.ok(found.has(`f${index}`), `f${index}`);
  });

  it('draw each field as often as any other', () => {
    const client = respStage().connect();
    fill(client, 'h', 100);
    const counts = new Map<string, number>();
    for (const field of ask(client, 'HRANDFIELD h -20000') as string[]) counts.set(field, (counts.get(field) ?? 0) + 1);
    for (const [field, count] of counts) assert.ok(count > 100 && count < 320, `${field}: ${count}`);
    assert.equal(counts.size, 100);
  });

  it('leave the key to others: its name, its time, and its copies', () => {
    const stage = respStage();
    const client = stage.connect();
    for (const count of [3, 1_000]) {
      fill(client, 'h', count);
      hold(client, [
        ['EXPIRE h 10', 1],
        ['HSET h f0 changed', 0],
        ['TTL h', 10],
        ['COPY h copy', 1],
        ['RENAME h other', OK],
        ['HSET copy f1 changed', 0],
        ['HGET other f1', 'v1'],
        ['HGET other f0', 'changed'],
        ['HLEN copy', count],
        ['TTL copy', 10],
        ['EXISTS h', 0],
        ['DBSIZE', 2],
        ['HSET h a 1', 1],
        ['RENAME h other', OK],
        ['HGETALL other', ['a', '1']],
        ['TTL other', -1],
      ]);
      stage.pass(10_000);
      hold(client, [
        ['HGETALL copy', []],
        ['HSET copy a 1', 1],
        ['TTL copy', -1],
        ['DEL copy other', 2],
        ['DBSIZE', 0],
      ]);
    }
  });

  it('are watched, and take part in transactions', () => {
    const client = respStage().connect();
    fill(client, 'h', 1_000);
    for (const change of ['HSET h f1 v2', 'HSET h f1 longer', 'HDEL h f2', 'HINCRBY h n 1', 'DEL h']) {
      assert.equal(ask(client, 'WATCH h'), OK);
      client.send(`${change}\r\n`);
      hold(client, [
        ['MULTI', OK],
        ['HLEN h', '+QUEUED'],
        ['EXEC', null],
      ]);
    }
    hold(client, [
      ['MULTI', OK],
      ['HSET h a 1', '+QUEUED'],
      ['HINCRBY h a 1', '+QUEUED'],
      ['GET h', '+QUEUED'],
      ['HGETALL h', '+QUEUED'],
      ['EXEC', [1, 2, '-WRONGTYPE Operation against a key holding the wrong kind of value', ['a', '2']]],
    ]);
  });

  it('have limits of fields, values and replies', () => {
    const client = respStage().connect();
    const large = Buffer.alloc(MAX_VALUE_BYTES, 'x');
    assert.equal(client.call(['HSET', 'h', 'field', large]), ':1\r\n');
    assert.equal(client.call(['HSTRLEN', 'h', 'field']), `:${MAX_VALUE_BYTES}\r\n`);
    assert.equal(client.call(['HSET', 'h', large, 'value']), ':1\r\n');
    assert.equal(client.call(['HGET', 'h', large]), '$5\r\nvalue\r\n');
    const tooLong = Buffer.alloc(MAX_VALUE_BYTES + 1);
    for (const words of [
      ['field', tooLong],
      [tooLong, 'value'],
    ]) {
      assert.match(client.call(['HSET', 'h', ...words]), /^-ERR a value has at most/);
    }
    assert.match(client.call(['HGETALL', 'h']), /^-ERR the reply would be too large/);
    assert.match(client.call(['HRANDFIELD', 'h', '2', 'WITHVALUES']), /^-ERR the reply would be too large/);
    // What does not fit together comes one after another.
    assert.ok(client.call(['HGET', 'h', 'field'], ['HGET', 'h', 'field']).length > 2 * MAX_VALUE_BYTES);
    const [first, items] = ask(client, 'HSCAN h 0 COUNT 10') as [string, string[]];
    const [second, others] = ask(client, `HSCAN h ${first} COUNT 10`) as [string, string[]];
    assert.deepEqual([items.length, others.length, second], [2, 2, '0']);
    assert.equal(client.call(['HDEL', 'h', large, 'field']), ':2\r\n');
    assert.equal(ask(client, 'DBSIZE'), 0);
  });

  it('say that the store is full, and change nothing then', () => {
    const client = respStage({ storeBytes: 400_000 }).connect();
    fill(client, 'h', 500);
    const value = Buffer.alloc(60_000, 'y');
    const replies = client.call(...Array.from({ length: 8 }, (_, index) => ['HSET', 'h', `large${index}`, value]));
    assert.match(replies, /^(:1\r\n)+(-OOM [^\r]*\r\n)+$/);
    const count = ask(client, 'HLEN h') as number;
    assert.match(client.call(['HSET', 'h', 'a', '1', 'large0', value, 'b', '2']), /^-OOM /);
    assert.equal(ask(client, 'HLEN h'), count);
    assert.equal(ask(client, 'HGET h a'), null);
    assert.match(client.call(['COPY', 'h', 'other']), /^-OOM /);
    assert.equal(ask(client, 'EXISTS other'), 0);
    assert.equal(ask(client, 'HDEL h large0 f1'), 2);
    assert.equal(ask(client, 'DEL h'), 1);
    assert.equal(ask(client, 'EXISTS h'), 0);
  });
});
