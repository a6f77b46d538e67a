/** What each command on sorted sets answers, as Redis does. */
import { MAX_ELEMENTS_AT_ONCE, MAX_VALUE_BYTES } from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { ask, type Dialogue, hold } from './dialogue.ts';
import { respStage, type TestClient } from './stage.ts';

const OK = '+OK';
const NOT_INTEGER = /^-ERR value is not an integer or out of range/;
const NOT_FLOAT = /^-ERR value is not a valid float/;
const NO_BOUND = /^-ERR min or max is not a float/;
const NO_MEMBER_BOUND = /^-ERR min or max not valid string range item/;
const NOT_POSITIVE = /^-ERR value is out of range, must be positive/;
const SYNTAX = /^-ERR syntax error$/;
const WRONG_TYPE = /^-WRONGTYPE Operation against a key holding the wrong kind of value/;

const DIALOGUES: Readonly<Record<string, Dialogue>> = {
  'members are given scores': [
    ['ZADD z 1 a 2 b 3 c', 3],
    ['ZADD z 1 a 5 b 4 d', 1],
    ['ZADD z CH 1 a 6 b 4 e', 2],
    ['ZADD z NX 9 a 9 f', 1],
    ['ZADD z XX 2 a 9 g', 0],
    ['ZADD z GT CH 1 a 7 b', 1],
    ['ZADD z LT CH 1 a 9 b', 1],
    ['ZRANGE z 0 -1 WITHSCORES', ['a', '1', 'c', '3', 'd', '4', 'e', '4', 'b', '7', 'f', '9']],
    ['ZADD z INCR 2 a', '3'],
    ['ZADD z NX INCR 2 a', null],
    ['ZADD z XX INCR 2 none', null],
    ['ZADD z GT INCR -1 a', null],
    ['ZADD z LT CH INCR -1 a', '2'],
    ['ZADD z 3 same 4 same', 1],
    ['ZSCORE z same', '4'],
    ['TYPE z', '+zset'],
    ['ZCARD z', 7],
    ['ZCARD none', 0],
    ['ZADD z XX', /^-ERR wrong number of arguments for 'zadd' command/],
    ['ZADD z 1 a 2', SYNTAX],
    ['ZADD z NX XX 1', SYNTAX],
    ['ZADD z other 1 a', SYNTAX],
    ['ZADD z NX XX 1 a', /^-ERR XX and NX options at the same time are not compatible/],
    ['ZADD z NX GT 1 a', /^-ERR GT, LT, and\/or NX options at the same time are not compatible/],
    ['ZADD z GT LT 1 a', /^-ERR GT, LT, and\/or NX options at the same time are not compatible/],
    ['ZADD z INCR 1 a 2 b', /^-ERR INCR option supports a single increment-element pair/],
    ['ZADD z 1 a nan b', NOT_FLOAT],
    ['ZADD z "" a', NOT_FLOAT],
    ['ZADD z " 1" a', NOT_FLOAT],
    ['ZADD z 1e400 a', NOT_FLOAT],
    ['ZADD z 1e-400 a', NOT_FLOAT],
    ['ZCARD z', 7],
  ],
  'scores are numbers with a fraction': [
    ['ZADD z 0.1 a 1e17 b 1e-5 c +3 d .5 e 5. f 0x10 g -0 h 12345678901234567 i 2.98023223876953125e-08 j', 10],
    ['ZMSCORE z a b c d e', ['0.10000000000000001', '1e+17', '1.0000000000000001e-05', '3', '0.5']],
    ['ZMSCORE z f g h i j', ['5', '16', '0', '12345678901234568', '2.9802322387695312e-08']],
    ['ZADD i inf a -Infinity b', 2],
    ['ZRANGE i 0 -1 WITHSCORES', ['b', '-inf', 'a', 'inf']],
    ['ZINCRBY i 5 a', 'inf'],
    ['ZINCRBY i -inf a', /^-ERR resulting score is not a number \(NaN\)/],
    ['ZADD i INCR inf b', /^-ERR resulting score is not a number \(NaN\)/],
    ['ZINCRBY i nan a', NOT_FLOAT],
    ['ZINCRBY z 1.5 new', '1.5'],
    ['ZINCRBY z -2 new', '-0.5'],
    ['ZSCORE z none', null],
    ['ZSCORE none a', null],
    ['ZMSCORE none a b', [null, null]],
  ],
  'members are removed': [
    ['ZADD z 1 a 2 b 3 c 4 d 5 e', 5],
    ['ZREM z a none a e', 2],
    ['ZREM none a', 0],
    ['ZREMRANGEBYRANK z 1 -2', 1],
    ['ZRANGE z 0 -1', ['b', 'd']],
    ['ZREMRANGEBYSCORE z (2 10', 1],
    ['ZREMRANGEBYLEX z [b [b', 1],
    ['EXISTS z', 0],
    ['ZREMRANGEBYRANK z 0 -1', 0],
    ['ZREMRANGEBYRANK z 0 x', NOT_INTEGER],
    ['ZREMRANGEBYSCORE z 0 x', NO_BOUND],
    ['ZREMRANGEBYLEX z 0 +', NO_MEMBER_BOUND],
    ['ZADD z 1 a 2 b', 2],
    ['EXPIRE z 100', 1],
    ['ZREM z a', 1],
    ['TTL z', 100],
    ['ZADD z 3 c', 1],
    ['TTL z', 100],
    ['ZREM z b c', 2],
    ['TTL z', -2],
  ],
  'ranks are counted from either end': [
    ['ZADD z 1 a 2 b 2 c', 3],
    ['ZRANK z a', 0],
    ['ZRANK z c', 2],
    ['ZREVRANK z c', 0],
    ['ZREVRANK z a', 2],
    ['ZRANK z none', null],
    ['ZREVRANK none a', null],
  ],
  'ranges of ranks': [
    ['ZADD z 1 a 2 b 3 c 4 d', 4],
    ['ZRANGE z 1 2', ['b', 'c']],
    ['ZRANGE z -2 100', ['c', 'd']],
    ['ZRANGE z 3 1', []],
    ['ZRANGE z 0 1 REV WITHSCORES', ['d', '4', 'c', '3']],
    ['ZREVRANGE z 1 -2', ['c', 'b']],
    ['ZREVRANGE z 0 0 WITHSCORES WITHSCORES', ['d', '4']],
    ['ZRANGE none 0 -1', []],
    ['ZRANGE z 0 9223372036854775807', ['a', 'b', 'c', 'd']],
    ['ZRANGE z 0 x', NOT_INTEGER],
    ['ZRANGE z 0 1 REV REV', SYNTAX],
    ['ZRANGE z 0 1 other', SYNTAX],
    ['ZREVRANGE z 0 1 REV', SYNTAX],
    ['ZREVRANGE z 0 1 BYSCORE', SYNTAX],
    [
      'ZRANGE z 0 1 LIMIT 0 1',
      /^-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX/,
    ],
  ],
  'ranges of scores': [
    ['ZADD z 1 a 2 b 3 c 4 d', 4],
    ['ZRANGEBYSCORE z 2 3', ['b', 'c']],
    ['ZRANGEBYSCORE z (2 (4 WITHSCORES', ['c', '3']],
    ['ZRANGEBYSCORE z -inf +inf LIMIT 1 2', ['b', 'c']],
    ['ZRANGEBYSCORE z -inf +inf LIMIT 1 -1', ['b', 'c', 'd']],
    ['ZRANGEBYSCORE z -inf +inf LIMIT -1 2', []],
    ['ZRANGEBYSCORE z -inf +inf LIMIT 0 0', []],
    ['ZREVRANGEBYSCORE z +inf (1 LIMIT 1 1', ['c']],
    ['ZREVRANGEBYSCORE z 1 4', []],
    ['ZRANGE z 3 2 BYSCORE REV WITHSCORES', ['c', '3', 'b', '2']],
    ['ZRANGE z 2 3 BYSCORE LIMIT 1 5', ['c']],
    ['ZRANGE z ( " 2" BYSCORE', ['a', 'b']],
    ['ZRANGE z 1e400 2 BYSCORE', []],
    ['ZCOUNT z (1 4', 3],
    ['ZCOUNT z 4 1', 0],
    ['ZCOUNT none 4 1', 0],
    ['ZRANGEBYSCORE z x 1', NO_BOUND],
    ['ZRANGEBYSCORE z 1 nan', NO_BOUND],
    ['ZRANGEBYSCORE z "1 " 2', NO_BOUND],
    ['ZCOUNT z 1 x', NO_BOUND],
    ['ZRANGEBYSCORE z 1 2 LIMIT 0', SYNTAX],
    ['ZRANGEBYSCORE z 1 2 LIMIT 0 x', NOT_INTEGER],
    ['ZRANGEBYSCORE z 1 2 REV', SYNTAX],
    ['ZRANGE z 1 2 BYSCORE BYLEX', SYNTAX],
  ],
  'ranges of members': [
    ['ZADD z 0 "" 0 a 0 ab 0 b 0 "\\xff"', 5],
    ['ZRANGEBYLEX z - +', ['', 'a', 'ab', 'b', '\xff']],
    ['ZRANGEBYLEX z (a [b', ['ab', 'b']],
    ['ZRANGEBYLEX z [a (ab', ['a']],
    ['ZRANGEBYLEX z [aa +', ['ab', 'b', '\xff']],
    ['ZRANGEBYLEX z + -', []],
    ['ZRANGEBYLEX z - + LIMIT 1 2', ['a', 'ab']],
    ['ZREVRANGEBYLEX z + [ab', ['\xff', 'b', 'ab']],
    ['ZREVRANGEBYLEX z (b - LIMIT 1 1', ['a']],
    ['ZRANGE z [b [a BYLEX REV', ['b', 'ab', 'a']],
    ['ZLEXCOUNT z - +', 5],
    ['ZLEXCOUNT z [ (', 0],
    ['ZLEXCOUNT z (b +', 1],
    ['ZLEXCOUNT none - +', 0],
    ['ZADD other 1 a 2 b 3 c 4 d', 4],
    ['ZRANGE other [b [c BYLEX', ['b', 'c']],
    ['ZRANGE other (c (a BYLEX REV', ['b']],
    ['ZLEXCOUNT other (a [c', 2],
    ['ZRANGEBYLEX z a +', NO_MEMBER_BOUND],
    ['ZRANGEBYLEX z - ""', NO_MEMBER_BOUND],
    ['ZRANGEBYLEX z -- +', NO_MEMBER_BOUND],
    ['ZRANGE z - + BYLEX WITHSCORES', /^-ERR syntax error, WITHSCORES not supported in combination with BYLEX/],
  ],
  'ranges are written to another key': [
    ['ZADD z 1 a 2 b 3 c', 3],
    ['ZRANGESTORE d z 1 -1', 2],
    ['ZRANGE d 0 -1 WITHSCORES', ['b', '2', 'c', '3']],
    ['ZRANGESTORE d z 2 -inf BYSCORE REV LIMIT 0 1', 1],
    ['ZRANGE d 0 -1', ['b']],
    ['EXPIRE d 100', 1],
    ['ZRANGESTORE d z 0 0', 1],
    ['TTL d', -1],
    ['ZRANGESTORE z z 0 1', 2],
    ['ZRANGE z 0 -1', ['a', 'b']],
    ['ZRANGESTORE d none 0 -1', 0],
    ['EXISTS d', 0],
    ['SET s x', OK],
    ['ZRANGESTORE d s 0 -1', WRONG_TYPE],
    ['ZRANGESTORE s z 0 -1', 2],
    ['TYPE s', '+zset'],
    ['ZRANGESTORE d z 0 -1 WITHSCORES', SYNTAX],
  ],
  'elements are taken out at either end': [
    ['ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g', 7],
    ['ZPOPMIN z', ['a', '1']],
    ['ZPOPMAX z 2', ['g', '7', 'f', '6']],
    ['ZPOPMIN z 0', []],
    ['ZPOPMIN none', []],
    ['ZPOPMIN none 2', []],
    ['ZPOPMIN z -1', NOT_POSITIVE],
    ['ZPOPMIN z x', NOT_POSITIVE],
    ['ZPOPMIN z 1 2', SYNTAX],
    ['ZMPOP 2 none z MIN', ['z', [['b', '2']]]],
    [
      'ZMPOP 2 none z MAX COUNT 2',
      [
        'z',
        [
          ['e', '5'],
          ['d', '4'],
        ],
      ],
    ],
    ['ZMPOP 1 none MIN', null],
    ['ZMPOP 0 z MIN', /^-ERR numkeys should be greater than 0/],
    ['ZMPOP x z MIN', /^-ERR numkeys should be greater than 0/],
    ['ZMPOP 2 z MIN', SYNTAX],
    ['ZMPOP 1 z MEAN', SYNTAX],
    ['ZMPOP 1 z MIN COUNT 0', /^-ERR count should be greater than 0/],
    ['ZMPOP 1 z MIN COUNT', SYNTAX],
    ['ZMPOP 1 z MIN COUNT x MORE', /^-ERR count should be greater than 0/],
    ['ZUNION -9223372036854775808 z', /^-ERR at least 1 input key is needed for 'zunion' command/],
    ['ZMPOP 1 z MIN COUNT 1 COUNT 1', SYNTAX],
    ['ZPOPMAX z 9223372036854775807', ['c', '3']],
    ['EXISTS z', 0],
  ],
  'several sets are combined': [
    ['ZADD a 1 x 2 y 3 z', 3],
    ['ZADD b 10 y 20 z 30 w', 3],
    ['ZUNION 2 a b WITHSCORES', ['x', '1', 'y', '12', 'z', '23', 'w', '30']],
    ['ZUNION 2 a b WEIGHTS 2 0.5 WITHSCORES', ['x', '2', 'y', '9', 'w', '15', 'z', '16']],
    ['ZUNION 2 a b AGGREGATE MIN WITHSCORES', ['x', '1', 'y', '2', 'z', '3', 'w', '30']],
    ['ZINTER 2 a b AGGREGATE MAX WITHSCORES', ['y', '10', 'z', '20']],
    ['ZINTER 3 a b none', []],
    ['ZDIFF 2 a b WITHSCORES', ['x', '1']],
    ['ZDIFF 1 none', []],
    ['ZINTERCARD 2 a b', 2],
    ['ZINTERCARD 2 a b LIMIT 1', 1],
    ['ZINTERCARD 2 a b LIMIT 0', 2],
    ['ZUNIONSTORE d 2 a b', 4],
    ['ZRANGE d 0 -1', ['x', 'y', 'z', 'w']],
    ['ZINTERSTORE a 2 a b WEIGHTS 1 -1', 2],
    ['ZRANGE a 0 -1 WITHSCORES', ['z', '-17', 'y', '-8']],
    ['ZDIFFSTORE d 2 b a', 1],
    ['ZRANGE d 0 -1 WITHSCORES', ['w', '30']],
    ['ZINTERSTORE d 2 b none', 0],
    ['EXISTS d', 0],
    ['ZADD i inf p -inf q', 2],
    ['ZADD j -inf p 1 q', 2],
    ['ZUNION 2 i j WITHSCORES', ['q', '-inf', 'p', '0']],
    ['ZUNION 1 i WEIGHTS 0 WITHSCORES', ['p', '0', 'q', '0']],
    ['ZUNION 0 a', /^-ERR at least 1 input key is needed for 'zunion' command/],
    ['ZUNIONSTORE d 0 a', /^-ERR at least 1 input key is needed for 'zunionstore' command/],
    ['ZINTERCARD 0 a', /^-ERR at least 1 input key is needed for 'zintercard' command/],
    ['ZUNION x a', NOT_INTEGER],
    ['ZUNION 2 a', SYNTAX],
    ['ZUNION 1 a WEIGHTS', SYNTAX],
    ['ZUNION 1 a WEIGHTS 1 2', SYNTAX],
    ['ZUNION 1 a WEIGHTS x', /^-ERR weight value is not a float/],
    ['ZUNION 1 a AGGREGATE', SYNTAX],
    ['ZUNION 1 a AGGREGATE mean', SYNTAX],
    ['ZUNIONSTORE d 1 a WITHSCORES', SYNTAX],
    ['ZDIFF 1 a WEIGHTS 1', SYNTAX],
    ['ZINTERCARD 1 a LIMIT -1', /^-ERR LIMIT can't be negative/],
    ['ZINTERCARD 1 a LIMIT', SYNTAX],
  ],
  'sets are combined too, as if all scores were 1': [
    ['SADD s a b x', 3],
    ['ZADD z 1 a 2 b 3 c', 3],
    ['ZUNION 2 z s WITHSCORES', ['x', '1', 'a', '2', 'b', '3', 'c', '3']],
    ['ZINTER 2 z s WEIGHTS 1 10 WITHSCORES', ['a', '11', 'b', '12']],
    ['ZDIFF 2 s z', ['x']],
    ['ZDIFF 2 z s', ['c']],
    ['ZINTERCARD 2 s z', 2],
    ['ZUNIONSTORE s 1 s', 3],
    ['ZRANGE s 0 -1 WITHSCORES', ['a', '1', 'b', '1', 'x', '1']],
  ],
  'elements by chance': [
    ['ZADD z 1 a', 1],
    ['ZRANDMEMBER z', 'a'],
    ['ZRANDMEMBER none', null],
    ['ZRANDMEMBER z 5', ['a']],
    ['ZRANDMEMBER z 0', []],
    ['ZRANDMEMBER none 5', []],
    ['ZRANDMEMBER z -3 WITHSCORES', ['a', '1', 'a', '1', 'a', '1']],
    ['ZRANDMEMBER z x', NOT_INTEGER],
    [
      'ZRANDMEMBER z -9223372036854775808',
      /^-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807/,
    ],
    ['ZRANDMEMBER z -4611686018427387904 WITHSCORES', /^-ERR value is out of range$/],
    ['ZRANDMEMBER z 4611686018427387903 WITHSCORES', ['a', '1']],
    ['ZRANDMEMBER z 1 WITHVALUES', SYNTAX],
    ['ZRANDMEMBER z -9223372036854775807', /^-ERR the reply would be too large/],
  ],
  'elements are walked through': [
    ['ZADD z 1 a 2 ab 3 b', 3],
    ['ZSCAN z 0', ['0', ['a', '1', 'ab', '2', 'b', '3']]],
    ['ZSCAN z 0 MATCH a* COUNT 1', ['0', ['a', '1', 'ab', '2']]],
    ['ZSCAN z 9999999999999999999', ['0', ['a', '1', 'ab', '2', 'b', '3']]],
    ['ZSCAN none 0', ['0', []]],
    ['ZSCAN z ""', ['0', ['a', '1', 'ab', '2', 'b', '3']]],
    ['ZSCAN z 18446744073709551616', /^-ERR invalid cursor/],
    ['ZSCAN z x', /^-ERR invalid cursor/],
    ['ZSCAN z 0 COUNT 0', SYNTAX],
    ['ZSCAN z 0 COUNT x', NOT_INTEGER],
    ['ZSCAN z 0 MATCH', SYNTAX],
    ['ZSCAN z 0 other 1', SYNTAX],
  ],
  'a key of another type is told, and stays': [
    ['SET s text', OK],
    ['ZADD s 1 a', WRONG_TYPE],
    ['ZADD s INCR 1 a', WRONG_TYPE],
    ['ZINCRBY s 1 a', WRONG_TYPE],
    ['ZREM s a', WRONG_TYPE],
    ['ZCARD s', WRONG_TYPE],
    ['ZSCORE s a', WRONG_TYPE],
    ['ZMSCORE s a', WRONG_TYPE],
    ['ZRANK s a', WRONG_TYPE],
    ['ZREVRANK s a', WRONG_TYPE],
    ['ZCOUNT s 0 1', WRONG_TYPE],
    ['ZLEXCOUNT s - +', WRONG_TYPE],
    ['ZRANGE s 0 1', WRONG_TYPE],
    ['ZREMRANGEBYRANK s 0 1', WRONG_TYPE],
    ['ZPOPMIN s', WRONG_TYPE],
    ['ZPOPMIN s 0', WRONG_TYPE],
    ['ZMPOP 2 none s MIN', WRONG_TYPE],
    ['ZRANDMEMBER s', WRONG_TYPE],
    ['ZRANDMEMBER s 0', WRONG_TYPE],
    ['ZSCAN s 0', WRONG_TYPE],
    ['ZUNION 2 none s', WRONG_TYPE],
    ['ZINTERSTORE d 2 none s', WRONG_TYPE],
    ['ZINTERCARD 1 s', WRONG_TYPE],
    ['GET s', 'text'],
    ['ZADD z 1 a', 1],
    ['GET z', WRONG_TYPE],
    ['APPEND z x', WRONG_TYPE],
    ['ZUNIONSTORE s 1 z', 1],
    ['TYPE s', '+zset'],
    ['SET z x', OK],
    ['GET z', 'x'],
  ],
};

const RESP3: Dialogue = [
  ['ZADD z 1 a 2.5 b inf c', 3],
  ['ZSCORE z b', ',2.5'],
  ['ZSCORE z c', ',inf'],
  ['ZSCORE z none', null],
  ['ZMSCORE z a none', [',1', null]],
  ['ZINCRBY z 1 a', ',2'],
  ['ZADD z INCR -1 a', ',1'],
  ['ZADD z XX INCR 1 none', null],
  ['ZRANK z none', null],
  ['ZRANGE z 0 1', ['a', 'b']],
  [
    'ZRANGE z 0 1 WITHSCORES',
    [
      ['a', ',1'],
      ['b', ',2.5'],
    ],
  ],
  ['ZREVRANGEBYSCORE z 2 1 WITHSCORES', [['a', ',1']]],
  [
    'ZUNION 1 z WITHSCORES',
    [
      ['a', ',1'],
      ['b', ',2.5'],
      ['c', ',inf'],
    ],
  ],
  [
    'ZRANDMEMBER z 9 WITHSCORES',
    [
      ['a', ',1'],
      ['b', ',2.5'],
      ['c', ',inf'],
    ],
  ],
  ['ZSCAN z 0', ['0', ['a', '1', 'b', '2.5', 'c', 'inf']]],
  ['ZPOPMIN z', ['a', ',1']],
  ['ZPOPMIN z 1', [['b', ',2.5']]],
  ['ZMPOP 1 z MAX', ['z', [['c', ',inf']]]],
  ['ZMPOP 1 z MAX', null],
  ['ZPOPMIN z', []],
  ['ZRANDMEMBER z', null],
];

function client(): TestClient {
  return respStage().connect();
}

/** Adds so many members with scores by their places. */
function fill(to: TestClient, key: string, count: number): void {
  for (let first = 0; first < count; first += 500) {
    const entries = Array.from({ length: Math.min(500, count - first) }, (_, index) => first + index);
    to.call(['ZADD', key, ...entries.flatMap((place) => [String(place), `m${place}`])]);
  }
}

describe('commands on sorted sets', () => {
  for (const [name, dialogue] of Object.entries(DIALOGUES)) it(name, () => hold(client(), dialogue));

  it('are answered by RESP3 with numbers and pairs', () => {
    const speaking = client();
    speaking.send('HELLO 3\r\n');
    hold(speaking, RESP3);
  });

  it('walk through a large set page by page, whatever comes and goes meanwhile', () => {
    const asking = client();
    fill(asking, 'z', 2_000);
    const met = new Map<string, string>();
    let cursor = '0';
    let pages = 0;
    do {
      const [next, page] = ask(asking, `ZSCAN z ${cursor} COUNT 50 MATCH m*`) as [string, string[]];
      for (let at = 0; at < page.length; at += 2) met.set(page[at] ?? '', page[at + 1] ?? '');
      hold(asking, [[`ZREM z m${pages}`, 1]]);
      ask(asking, `ZADD z 1 other${pages}`);
      cursor = next;
      pages++;
    } while (cursor !== '0');
    assert.ok(pages >= 30, `${pages} pages`);
    for (let place = pages; place < 2_000; place++) assert.equal(met.get(`m${place}`), String(place));
  });

  it('are told to be packed as long as Redis packs them', () => {
    const asking = client();
    const [packed, large] = ['listpack', 'skiplist'];
    fill(asking, 'z', 128);
    hold(asking, [
      ['OBJECT ENCODING z', packed],
      ['ZUNIONSTORE u 1 z', 128],
      ['OBJECT ENCODING u', packed],
      ['ZADD z 1 more', 1],
      ['OBJECT ENCODING z', large],
      ['ZREM z more', 1],
      ['OBJECT ENCODING z', large],
      ['ZRANGESTORE r z 0 -1', 128],
      ['OBJECT ENCODING r', packed],
      [`ZADD member 1 ${'m'.repeat(64)}`, 1],
      ['OBJECT ENCODING member', packed],
      [`ZADD member 1 ${'m'.repeat(65)}`, 1],
      ['OBJECT ENCODING member', large],
      ['ZUNIONSTORE u 2 z member', 130],
      ['OBJECT ENCODING u', large],
      ['ZINTERSTORE u 1 member', 2],
      ['OBJECT ENCODING u', large],
    ]);
  });

  it('tell any elements of a large set, each as likely as others', () => {
    const asking = client();
    fill(asking, 'z', 300);
    const some = ask(asking, 'ZRANDMEMBER z 100') as string[];
    assert.equal(new Set(some).size, 100);
    const counts = new Map<string, number>();
    for (const member of ask(asking, 'ZRANDMEMBER z -30000') as string[]) {
      counts.set(member, (counts.get(member) ?? 0) + 1);
    }
    assert.equal(counts.size, 300);
    for (const [member, count] of counts) assert.ok(count > 40 && count < 200, `${member} came ${count} times`);
  });

  it('have members as long as a value may be', () => {
    const asking = client();
    const longest = 'v'.repeat(MAX_VALUE_BYTES);
    assert.equal(asking.call(['ZADD', 'z', '1', longest]), ':1\r\n');
    assert.equal(asking.call(['ZADD', 'z', '2', 'short']), ':1\r\n');
    assert.equal(asking.call(['ZRANK', 'z', longest]), ':0\r\n');
    assert.equal(asking.call(['ZINCRBY', 'z', '5', longest]), '$1\r\n6\r\n');
    assert.equal(asking.call(['ZPOPMAX', 'z']), `*2\r\n$${longest.length}\r\n${longest}\r\n$1\r\n6\r\n`);
    for (const words of [
      ['ZADD', 'z', '1'],
      ['ZREM', 'z'],
      ['ZRANK', 'z'],
      ['ZSCORE', 'z'],
    ]) {
      assert.match(
        asking.call([...words, `${longest}v`]),
        /^-ERR a value has at most 4063232 bytes, and this has 4063233/,
      );
    }
  });

  it('refuse what takes too much, and change nothing', () => {
    const asking = client();
    const long = 'v'.repeat(2 ** 20);
    for (let place = 0; place < 5; place++) asking.call(['ZADD', 'z', String(place), `${place}${long}`]);
    const tooLarge = /^-ERR the reply would be too large/;
    assert.match(asking.call(['ZRANGE', 'z', '0', '-1']), tooLarge);
    assert.match(asking.call(['ZPOPMIN', 'z', '5']), tooLarge);
    assert.match(asking.call(['ZUNION', '1', 'z']), tooLarge);
    hold(asking, [['ZCARD z', 5]]);
    for (let copy = 0; copy < 13; copy++) asking.call(['ZUNIONSTORE', `z${copy}`, '1', 'z']);
    const keys = Array.from({ length: 13 }, (_, copy) => `z${copy}`);
    assert.match(
      asking.call(['ZUNIONSTORE', 'all', '13', ...keys]),
      new RegExp(
        `^-ERR the command would go through more than ${MAX_ELEMENTS_AT_ONCE} elements, or 67108864 bytes of them`,
      ),
    );
    hold(asking, [['EXISTS all', 0]]);
  });

  it('answer that memory is full, change nothing then, and can still remove', () => {
    const asking = respStage({ storeBytes: 2 ** 20 }).connect();
    const member = (place: number): string => `m${String(place).padStart(5, '0')}${'.'.repeat(200)}`;
    let count = 0;
    while (asking.call(['ZADD', 'z', String(count), member(count)]) === ':1\r\n') count++;
    assert.ok(count > 500, `${count} members`);
    const full = /^-OOM command not allowed/;
    assert.match(asking.call(['ZADD', 'z', 'NX', '1', member(count)]), full);
    assert.match(asking.call(['ZINCRBY', 'z', '1', member(0)]), full);
    assert.match(asking.call(['ZUNIONSTORE', 'other', '1', 'z']), full);
    assert.match(asking.call(['ZRANGESTORE', 'other', 'z', '0', '-1']), full);
    hold(asking, [
      ['ZCARD z', count],
      [`ZSCORE z ${member(0)}`, '0'],
      ['EXISTS other', 0],
      ['ZREMRANGEBYRANK z 10 -1', count - 10],
      ['ZCARD z', 10],
    ]);
  });
});
