/** What each command of the store answers, as Redis does. */
import assert from 'node:assert/strict';
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '@dpr/store/operations';
import { ask, type Dialogue, hold } from './dialogue.ts';
import { respStage, START } from './stage.ts';

const SECOND = START / 1000;

const OK = '+OK';
const NOT_INTEGER = /^-ERR value is not an integer or out of range/;
const WRONG_TYPE = /^-WRONGTYPE /;
const SYNTAX = /^-ERR syntax error/;

const DIALOGUES: Readonly<Record<string, Dialogue>> = {
  'values are written and read': [
    ['GET a', null],
    ['SET a 1', OK],
    ['GET a', '1'],
    ['GETSET a 2', '1'],
    ['GETSET b x', null],
    ['GETDEL b', 'x'],
    ['GETDEL b', null],
    ['SETNX a 3', 0],
    ['SETNX c 3', 1],
    ['MGET a b c', ['2', null, '3']],
    ['MSET a 1 b 2 a 3', OK],
    ['MGET a b', ['3', '2']],
    ['MSET a', /^-ERR wrong number of arguments for 'mset' command/],
    ['MSET a 1 b', /^-ERR wrong number of arguments for 'mset' command/],
    ['MSETNX d 1 a 2', 0],
    ['GET d', null],
    ['MSETNX d 1 e 2', 1],
    ['MGET d e', ['1', '2']],
    ['SET "" empty', OK],
    ['GET ""', 'empty'],
    ['SET a ""', OK],
    ['GET a', ''],
    ['SET bin "\\x00\\xff\\r\\n"', OK],
    ['GET bin', '\0\xff\r\n'],
  ],
  'what is no string is neither read as one nor written over by those that read it': [
    ['RPUSH list x', 1],
    ['SET list 1 GET', WRONG_TYPE],
    ['GETSET list 1', WRONG_TYPE],
    ['GETDEL list', WRONG_TYPE],
    ['GETEX list EX 10', WRONG_TYPE],
    ['TTL list', -1],
    ['LRANGE list 0 -1', ['x']],
    ['MGET list none', [null, null]],
    ['STRLEN list', WRONG_TYPE],
    ['SET list 1', OK],
    ['GET list', '1'],
  ],
  'SET has all its options': [
    ['SET a 1 XX', null],
    ['SET a 1 NX', OK],
    ['SET a 2 NX', null],
    ['SET a 2 XX', OK],
    ['SET a 3 GET', '2'],
    ['SET new 3 GET', null],
    ['SET a 4 NX GET', '3'],
    ['SET missing 4 XX GET', null],
    ['MGET a missing', ['3', null]],
    ['SET a 1 EX 10', OK],
    ['TTL a', 10],
    ['SET a 2 KEEPTTL', OK],
    ['TTL a', 10],
    ['SET a 2', OK],
    ['TTL a', -1],
    ['set a 1 px 1500 get', '2'],
    ['PTTL a', 1500],
    [`SET a 1 EXAT ${SECOND + 5}`, OK],
    ['TTL a', 5],
    [`SET a 1 PXAT ${START + 7}`, OK],
    ['PEXPIRETIME a', START + 7],
    ['SET a gone PXAT 1', OK],
    ['GET a', null],
    ['SET a 1 NX XX', SYNTAX],
    ['SET a 1 EX', SYNTAX],
    ['SET a 1 EX 1 PX 1', SYNTAX],
    ['SET a 1 EX 1 KEEPTTL', SYNTAX],
    ['SET a 1 FOO', SYNTAX],
    ['SET a 1 EX x', NOT_INTEGER],
    ['SET a 1 EX 0', /^-ERR invalid expire time in 'set' command/],
    ['SET a 1 EX -1', /^-ERR invalid expire time/],
    ['SET a 1 EX 9223372036854775807', /^-ERR invalid expire time/],
    ['SET a 1 PXAT 9223372036854775807', OK],
    ['SET a 1 EXAT 9223372036854775', OK],
    ['SET a 1 EXAT 9223372036854776', /^-ERR invalid expire time in 'set' command/],
    ['EXISTS a', 1],
    ['SETEX a 20 x', OK],
    ['TTL a', 20],
    ['PSETEX a 20 x', OK],
    ['PTTL a', 20],
    ['SETEX a 0 x', /^-ERR invalid expire time in 'setex' command/],
  ],
  'GETEX changes times': [
    ['SET a 1', OK],
    ['GETEX a', '1'],
    ['TTL a', -1],
    ['GETEX a EX 5', '1'],
    ['TTL a', 5],
    ['GETEX a PERSIST', '1'],
    ['TTL a', -1],
    [`GETEX a PXAT ${START + 3}`, '1'],
    ['PTTL a', 3],
    ['GETEX missing EX 5', null],
    ['GETEX a NX', SYNTAX],
    ['GETEX a EX 5 PERSIST', SYNTAX],
  ],
  'numbers are added to': [
    ['INCR n', 1],
    ['INCRBY n 41', 42],
    ['DECR n', 41],
    ['DECRBY n 50', -9],
    ['GET n', '-9'],
    ['SET n 9223372036854775806', OK],
    ['INCR n', 2 ** 63], // as near as a number comes to it
    ['INCR n', /^-ERR increment or decrement would overflow/],
    ['DECRBY n -9223372036854775808', /^-ERR decrement would overflow/],
    ['SET n 1.5', OK],
    ['INCR n', NOT_INTEGER],
    ['INCRBY n x', NOT_INTEGER],
    ['INCRBY n 9223372036854775808', NOT_INTEGER],
    ['INCRBY n 00', NOT_INTEGER],
    ['INCRBYFLOAT n 0.1', '1.6'],
    ['INCRBYFLOAT n -1.6', '0'],
    ['INCRBYFLOAT n 5.0e3', '5000'],
    ['INCRBYFLOAT n 2.0e2', '5200'],
    ['INCRBYFLOAT f .1', '0.1'],
    ['INCRBYFLOAT f .2', '0.3'],
    ['INCRBYFLOAT f -1', '-0.7'],
    ['INCRBYFLOAT f x', /^-ERR value is not a valid float/],
    ['INCRBYFLOAT f nan', /^-ERR value is not a valid float/],
    ['INCRBYFLOAT f +inf', /^-ERR increment would produce NaN or Infinity/],
    ['SET f abc', OK],
    ['INCRBYFLOAT f 1', /^-ERR value is not a valid float/],
    ['SET n 5 EX 100', OK],
    ['INCR n', 6],
    ['INCRBYFLOAT n 0.5', '6.5'],
    ['TTL n', 100],
  ],
  'parts of values are read and written': [
    ['APPEND a hello', 5],
    ['APPEND a " world"', 11],
    ['GET a', 'hello world'],
    ['STRLEN a', 11],
    ['STRLEN missing', 0],
    ['GETRANGE a 0 4', 'hello'],
    ['GETRANGE a -5 -1', 'world'],
    ['GETRANGE a 6 100', 'world'],
    ['GETRANGE a 5 2', ''],
    ['GETRANGE a -1 -5', ''],
    ['GETRANGE a -100 2', 'hel'],
    ['GETRANGE a 0 -100', 'h'],
    ['GETRANGE a 20 30', ''],
    ['GETRANGE a -9223372036854775807 -9223372036854775808', ''],
    ['GETRANGE a -9223372036854775808 9223372036854775807', 'hello world'],
    ['GETRANGE missing 0 -1', ''],
    ['SUBSTR a 0 1', 'he'],
    ['GETRANGE a x 1', NOT_INTEGER],
    ['SETRANGE a 6 redis', 11],
    ['GET a', 'hello redis'],
    ['SETRANGE b 3 x', 4],
    ['GET b', '\0\0\0x'],
    ['SETRANGE c 3 ""', 0],
    ['EXISTS c', 0],
    ['SETRANGE a 0 ""', 11],
    ['SETRANGE a -1 x', /^-ERR offset is out of range/],
    [`SETRANGE a ${MAX_VALUE_BYTES} x`, /^-ERR string exceeds maximum allowed size/],
    ['APPEND none ""', 0],
    ['GET none', ''],
    ['APPEND none ""', 0],
    ['EXPIRE a 50', 1],
    ['APPEND a x', 12],
    ['SETRANGE a 0 H', 12],
    ['TTL a', 50],
  ],
  'keys are removed, counted and named': [
    ['MSET a 1 b 2 c 3', OK],
    ['EXISTS a b x a', 3],
    ['TOUCH a x', 1],
    ['TYPE a', '+string'],
    ['TYPE x', '+none'],
    ['DBSIZE', 3],
    ['DEL a x b', 2],
    ['UNLINK c c', 1],
    ['DBSIZE', 0],
    ['SET a 1 EX 10', OK],
    ['RENAME a b', OK],
    ['TTL b', 10],
    ['EXISTS a', 0],
    ['RENAME a b', /^-ERR no such key/],
    ['RENAME b b', OK],
    ['RENAMENX b b', 0],
    ['SET c 2', OK],
    ['RENAMENX b c', 0],
    ['RENAMENX b d', 1],
    ['RENAMENX b d', /^-ERR no such key/],
    ['COPY d c', 0],
    ['COPY d c REPLACE', 1],
    ['MGET c d', ['1', '1']],
    ['TTL c', 10],
    ['COPY d e DB 0', 1],
    ['COPY d e DB 1', /^-ERR DB index is out of range/],
    ['COPY d d', /^-ERR source and destination objects are the same/],
    ['COPY x e', 0],
    ['SELECT 1', /^-ERR DB index is out of range/],
    ['FLUSHALL ASYNC', OK],
    ['DBSIZE', 0],
    ['FLUSHDB foo', SYNTAX],
    ['RANDOMKEY', null],
    ['SET only 1', OK],
    ['RANDOMKEY', 'only'],
  ],
  'times are set, told and taken away': [
    ['EXPIRE a 10', 0],
    ['TTL a', -2],
    ['PTTL a', -2],
    ['EXPIRETIME a', -2],
    ['SET a 1', OK],
    ['TTL a', -1],
    ['PEXPIRETIME a', -1],
    ['PERSIST a', 0],
    ['EXPIRE a 10', 1],
    ['TTL a', 10],
    ['EXPIRETIME a', SECOND + 10],
    ['PERSIST a', 1],
    ['TTL a', -1],
    ['PEXPIRE a 1234', 1],
    ['PTTL a', 1234],
    [`EXPIREAT a ${SECOND + 9}`, 1],
    ['PTTL a', 9000],
    [`PEXPIREAT a ${START + 9}`, 1],
    ['PTTL a', 9],
    ['EXPIRE a 5 NX', 0],
    ['EXPIRE a 5 XX', 1],
    ['EXPIRE a 4 GT', 0],
    ['EXPIRE a 6 GT', 1],
    ['EXPIRE a 7 LT', 0],
    ['EXPIRE a 3 LT', 1],
    ['TTL a', 3],
    ['PERSIST a', 1],
    ['EXPIRE a 5 GT', 0],
    ['EXPIRE a 5 XX', 0],
    ['EXPIRE a 5 LT', 1],
    ['EXPIRE a 5 NX XX', /^-ERR NX and XX, GT or LT options/],
    ['EXPIRE a 5 GT LT', /^-ERR GT and LT options/],
    ['EXPIRE a 5 FOO', /^-ERR Unsupported option FOO/],
    ['EXPIRE a x', NOT_INTEGER],
    ['EXPIRE a 9223372036854775807', /^-ERR invalid expire time in 'expire' command/],
    ['PEXPIREAT a 9223372036854770000', 1],
    ['EXPIREAT a 9223372036854775', 1],
    ['EXPIREAT a 9223372036854776', /^-ERR invalid expire time in 'expireat' command/],
    ['EXPIRE a -1', 1],
    ['EXISTS a', 0],
    ['SET a 1', OK],
    ['EXPIRE a -9223372036854776', /^-ERR invalid expire time in 'expire' command/],
    ['EXPIRE a -9223372036854775', 1],
    ['EXISTS a', 0],
    ['SET a 1', OK],
    ['PEXPIREAT a -9223372036854775808', 1],
    ['EXISTS a', 0],
    ['SET a 1', OK],
    ['EXPIREAT a 0', 1],
    ['EXISTS a', 0],
    ['SET a 1', OK],
    ['EXPIRE a 0', 1],
    ['EXISTS a', 0],
  ],
  'keys are found by patterns': [
    ['MSET hello 1 hallo 1 hxllo 1 heeello 1 "h*llo" 1', OK],
    ['KEYS hell?', ['hello']],
    ['KEYS x*', []],
    ['SCAN 0 MATCH hell* COUNT 1000', ['0', ['hello']]],
    ['SCAN 0 TYPE hash COUNT 1000', ['0', []]],
    ['SCAN x', /^-ERR invalid cursor/],
    ['SCAN 0 COUNT 0', SYNTAX],
    ['SCAN 0 COUNT x', NOT_INTEGER],
    ['SCAN 0 MATCH', SYNTAX],
  ],
  'what there is not is told': [
    ['HEXPIRE a 1 FIELDS 1 b', /^-ERR unknown command 'HEXPIRE': COMMAND LIST tells/],
    ['BLPOP a 0', /^-ERR unknown command 'BLPOP': commands that wait/],
    ['BZPOPMIN a 1', /^-ERR unknown command 'BZPOPMIN': commands that wait are not there: .* ZPOPMIN/],
    ['EVAL x 0', /^-ERR unknown command 'EVAL': scripts are not there/],
    ['SUBSCRIBE x', /^-ERR unknown command 'SUBSCRIBE': messages/],
    ['XADD a * b c', /^-ERR unknown command 'XADD': messages/],
    ['SETBIT a 1 1', /^-ERR unknown command 'SETBIT': bits/],
    ['BGSAVE', /^-ERR unknown command 'BGSAVE': settings/],
    ['CONFIG SET a b', /^-ERR only CONFIG GET is there/],
    ['CLIENT KILL x', /^-ERR unknown subcommand of CLIENT/],
  ],
};

describe('commands of a store', () => {
  for (const [what, dialogue] of Object.entries(DIALOGUES)) {
    it(`are as in Redis: ${what}`, () => {
      hold(respStage().connect(), dialogue);
    });
  }

  it('find the keys of patterns with several', () => {
    const client = respStage().connect();
    ask(client, 'MSET hello 1 hallo 1 hxllo 1 heeello 1 "h*llo" 1');
    const keys = (pattern: string) => (ask(client, `KEYS ${pattern}`) as string[]).sort();
    assert.deepEqual(keys('h[^e]llo'), ['h*llo', 'hallo', 'hxllo']);
    assert.deepEqual(keys('h[a-e]llo'), ['hallo', 'hello']);
    assert.deepEqual(keys('"h\\\\*llo"'), ['h*llo']);
    assert.deepEqual(keys('*'), ['h*llo', 'hallo', 'heeello', 'hello', 'hxllo']);
    assert.deepEqual(keys('*e*l?'), ['heeello', 'hello']);
  });

  it('draw each of few keys', () => {
    const client = respStage().connect();
    for (let pair = 0; pair < 50; pair++) {
      const names = [`a${pair}`, `b${pair}`];
      assert.equal(ask(client, `MSET ${names.join(' 1 ')} 2`), OK);
      const drawn = client.call(...Array.from({ length: 60 }, () => ['RANDOMKEY']));
      for (const name of names) assert.ok(drawn.includes(`\r\n${name}\r\n`), `${name} is never drawn`);
      assert.equal(ask(client, 'FLUSHALL'), OK);
    }
  });

  it('forget keys when their time is over', () => {
    const stage = respStage();
    const client = stage.connect();
    hold(client, [
      ['SET a 1 PX 50', OK],
      ['SET b 1', OK],
      ['WATCH a', OK],
    ]);
    stage.pass(49);
    assert.equal(ask(client, 'GET a'), '1');
    stage.pass(1);
    hold(client, [
      ['GET a', null],
      ['TTL a', -2],
      ['KEYS *', ['b']],
      ['SET a 2 XX', null],
      ['MULTI', OK],
      ['PING', '+QUEUED'],
      ['EXEC', null],
      ['INCR a', 1],
      ['TTL a', -1],
    ]);
  });

  it('walk over every key, and flush them all, also of a large store', () => {
    const stage = respStage();
    const client = stage.connect();
    const names = Array.from({ length: 25_000 }, (_, index) => `key-${index}`);
    client.send(names.map((name) => `SET ${name} x\r\n`).join(''));
    const found: string[] = [];
    let cursor = '0';
    let calls = 0;
    do {
      const [next, keys] = ask(client, `SCAN ${cursor} COUNT 1000`) as [string, string[]];
      found.push(...keys);
      cursor = next;
      calls++;
    } while (cursor !== '0');
    assert.ok(calls >= 20 && calls < 40, `${calls} calls`);
    assert.deepEqual([...new Set(found)].sort(), names.sort());
    assert.ok(names.includes(ask(client, 'RANDOMKEY') as string));
    stage.batches.length = 0;
    assert.equal(ask(client, 'FLUSHALL'), OK);
    assert.ok(stage.batches.length > 2, 'others have their turn');
    assert.equal(ask(client, 'DBSIZE'), 0);
    assert.deepEqual(ask(client, 'KEYS *'), []);
  });

  it('flush in a transaction as a part of it', () => {
    const client = respStage().connect();
    hold(client, [
      ['MSET a 1 b 2', OK],
      ['MULTI', OK],
      ['FLUSHALL', '+QUEUED'],
      ['SET c 1', '+QUEUED'],
      ['EXEC', [OK, OK]],
      ['KEYS *', ['c']],
    ]);
  });

  it('have limits of keys, values and patterns', () => {
    const client = respStage().connect();
    const key = 'k'.repeat(MAX_KEY_BYTES);
    assert.equal(client.call(['SET', key, '1'], ['GET', key]), '+OK\r\n$1\r\n1\r\n');
    for (const command of [
      ['GET', `${key}k`],
      ['SET', `${key}k`, '1'],
      ['RENAME', key, `${key}k`],
      ['INCR', `${key}k`],
    ]) {
      assert.match(client.call(command), /^-ERR a key has at most 65535 bytes/);
    }
    const value = Buffer.alloc(MAX_VALUE_BYTES);
    assert.equal(client.call(['SET', 'a', value], ['STRLEN', 'a']), `+OK\r\n:${MAX_VALUE_BYTES}\r\n`);
    assert.match(client.call(['SET', 'a', Buffer.alloc(MAX_VALUE_BYTES + 1)]), /^-ERR a value has at most/);
    assert.match(client.call(['APPEND', 'a', 'x']), /^-ERR string exceeds maximum allowed size/);
    assert.equal(client.call(['KEYS', '?'.repeat(1024)]), '*0\r\n');
    assert.match(client.call(['KEYS', '?'.repeat(1025)]), /^-ERR a pattern has at most/);
  });

  it('say that the store is full, and change nothing then', () => {
    const client = respStage({ storeBytes: 200_000 }).connect();
    const value = Buffer.alloc(60_000);
    const replies = client.call(...Array.from({ length: 5 }, (_, index) => ['SET', `k${index}`, value]));
    assert.match(replies, /^\+OK\r\n(\+OK\r\n)*(-OOM [^\r]*\r\n)+$/);
    client.call(['SET', 'small', '1']);
    assert.match(client.call(['MSET', 'x', value, 'y', value]), /^-OOM /);
    assert.match(client.call(['SET', 'k0', value, 'GET']), /^-OOM [^\r]*\r\n$/);
    assert.match(client.call(['APPEND', 'k0', value]), /^-OOM /);
    assert.equal(client.call(['DEL', 'k0']), ':1\r\n');
  });

  it('say how much memory keys take and may take, and that they are evicted', () => {
    const [plain, evicting] = [{}, { liveBytes: 3_000_000 }].map((options) =>
      respStage({ storeBytes: 6_000_000, ...options }).connect(),
    );
    const settings = (max: number, policy: string): string => {
      const words = ['maxmemory', String(max), 'maxmemory-policy', policy];
      return `*4\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
    };
    const ask = ['CONFIG', 'GET', 'maxmemory', 'maxmemory-policy'];
    assert.equal(plain?.call(ask), settings(6_000_000, 'noeviction'));
    assert.equal(evicting?.call(ask), settings(3_000_000, 'allkeys-lru'));
    for (let key = 0; key < 60; key++) {
      assert.equal(evicting?.call(['SET', `k${key}`, Buffer.alloc(60_000)]), OK.concat('\r\n'));
    }
    const memory = evicting?.call(['INFO', 'memory']) ?? '';
    assert.match(memory, /\r\nmaxmemory:3000000\r\nmaxmemory_policy:allkeys-lru\r\n/);
    const used = Number(/used_memory:(\d+)/.exec(memory)?.[1]);
    assert.ok(used > 2_900_000 && used <= 3_000_000, memory);
    assert.match(evicting?.call(['INFO', 'stats']) ?? '', /\r\nevicted_keys:12\r\n/);
    assert.match(plain?.call(['INFO', 'stats']) ?? '', /\r\nevicted_keys:0\r\n/);
  });

  it('use a key, or only look at it', () => {
    const value = Buffer.alloc(20_000);
    const isKept = (command: string[]): boolean => {
      const stage = respStage({ liveBytes: 300_000 });
      const client = stage.connect();
      client.call(['SET', 'a', '1']);
      for (let key = 0; key < 100; key++) {
        client.call(['SET', `k${key}`, value]);
        stage.commit();
        client.call(command);
      }
      return client.call(['EXISTS', 'a']) === ':1\r\n';
    };
    const uses = [
      ['GET', 'a'],
      ['TOUCH', 'a'],
      ['STRLEN', 'a'],
      ['SETNX', 'a', '2'],
      ['HGET', 'a', 'f'],
      ['GETRANGE', 'a', '0', '1'],
    ];
    for (const command of uses) assert.ok(isKept(command), command[0]);
    const looks = [
      ['EXISTS', 'a'],
      ['TTL', 'a'],
      ['TYPE', 'a'],
      ['OBJECT', 'ENCODING', 'a'],
      ['SCAN', '0'],
      ['WATCH', 'a'],
    ];
    for (const command of looks) assert.ok(!isKept(command), command[0]);
  });
});
