/** What commands on sets answer, as Redis does. */
import assert from 'node:assert/strict';
import { MAX_COMBINED_MEMBERS, MAX_KEY_BYTES, MAX_VALUE_BYTES } from '@dpr/store/operations';
import { ask, type Dialogue, hold } from './dialogue.ts';
import { respStage, type TestClient } from './stage.ts';

const OK = '+OK';
const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_INTEGER = /^-ERR value is not an integer or out of range/;
const SYNTAX = /^-ERR syntax error/;

/** Commands whose replies have no order. */
const UNORDERED = /^(SMEMBERS|SINTER|SUNION|SDIFF|SRANDMEMBER) /;

function members(client: TestClient, command: string): unknown {
  const reply = ask(client, command);
  return Array.isArray(reply) && UNORDERED.test(command) ? reply.sort() : reply;
}

/** Replies that are lists come in any order. */
function holdUnordered(client: TestClient, dialogue: Dialogue): void {
  for (const [command, expected] of dialogue) assert.deepEqual(members(client, command), expected, command);
}

const DIALOGUES: Readonly<Record<string, Dialogue>> = {
  'members come and go': [
    ['SADD s a b c a', 3],
    ['SADD s a d', 1],
    ['TYPE s', '+set'],
    ['SCARD s', 4],
    ['SISMEMBER s a', 1],
    ['SISMEMBER s x', 0],
    ['SMISMEMBER s a x d a', [1, 0, 1, 1]],
    ['SREM s a x b', 2],
    ['SCARD s', 2],
    ['SREM s c d', 2],
    ['EXISTS s', 0],
    ['SADD "" ""', 1],
    ['SMEMBERS ""', ['']],
  ],
  'what is not there is an empty set': [
    ['SCARD none', 0],
    ['SMEMBERS none', []],
    ['SISMEMBER none a', 0],
    ['SMISMEMBER none a b', [0, 0]],
    ['SREM none a', 0],
    ['SMOVE none other a', 0],
    ['SPOP none', null],
    ['SPOP none 3', []],
    ['SRANDMEMBER none', null],
    ['SRANDMEMBER none 3', []],
    ['SRANDMEMBER none -3', []],
    ['SSCAN none 0', ['0', []]],
    ['SINTER none', []],
    ['SUNION none other', []],
    ['SDIFF none', []],
    ['SINTERCARD 1 none', 0],
    ['SUNIONSTORE to none', 0],
    ['EXISTS none to', 0],
  ],
  'a key of another type is left as it is': [
    ['SET str text', OK],
    ['SADD s a', 1],
    ...[
      ...['SADD str a', 'SREM str a', 'SCARD str', 'SISMEMBER str a', 'SMISMEMBER str a', 'SMEMBERS str', 'SPOP str'],
      ...['SPOP str 0', 'SRANDMEMBER str', 'SRANDMEMBER str 0', 'SSCAN str 0', 'SMOVE str s a', 'SMOVE s str a'],
      ...['SINTER str', 'SINTER none str', 'SUNION s str', 'SDIFF none str', 'SINTERCARD 2 none str', 'GET s'],
      ...['SINTERSTORE to str none', 'SUNIONSTORE to s str', 'SDIFFSTORE to s str', 'INCR s', 'APPEND s x'],
    ].map((command) => [command, WRONG_TYPE] as const),
    ['GET str', 'text'],
    ['SMEMBERS s', ['a']],
    ['SMOVE none str a', 0],
    ['SET s text', OK],
    ['GET s', 'text'],
  ],
  'a member moves': [
    ['SADD a x y', 2],
    ['SMOVE a b x', 1],
    ['SMOVE a b none', 0],
    ['SMEMBERS b', ['x']],
    ['SMOVE a a y', 1],
    ['SMOVE a a none', 0],
    ['SADD b y', 1],
    ['SMOVE a b y', 1],
    ['EXISTS a', 0],
    ['SMEMBERS b', ['x', 'y']],
  ],
  'sets are combined': [
    ['SADD a 1 2 3 4', 4],
    ['SADD b 3 4 5', 3],
    ['SADD c 4 6', 2],
    ['SINTER a', ['1', '2', '3', '4']],
    ['SINTER a b', ['3', '4']],
    ['SINTER a b c', ['4']],
    ['SINTER a b none', []],
    ['SUNION a b c', ['1', '2', '3', '4', '5', '6']],
    ['SUNION a a', ['1', '2', '3', '4']],
    ['SDIFF a b', ['1', '2']],
    ['SDIFF c a b', ['6']],
    ['SDIFF none a', []],
    ['SDIFF a a', []],
    ['SINTERSTORE to a b', 2],
    ['SMEMBERS to', ['3', '4']],
    ['SUNIONSTORE to b c', 4],
    ['SDIFFSTORE a a b', 2],
    ['SMEMBERS a', ['1', '2']],
    ['SUNIONSTORE b a b', 5],
    ['SMEMBERS b', ['1', '2', '3', '4', '5']],
    ['SINTERSTORE b b c', 1],
    ['SMEMBERS b', ['4']],
    ['SET str x', OK],
    ['SUNIONSTORE str a', 2],
    ['TYPE str', '+set'],
    ['SDIFFSTORE str none', 0],
    ['EXISTS str', 0],
  ],
  'what sets have in common is counted': [
    ['SADD a 1 2 3 4', 4],
    ['SADD b 2 3 4', 3],
    ['SINTERCARD 2 a b', 3],
    ['SINTERCARD 2 a b LIMIT 2', 2],
    ['SINTERCARD 2 a b limit 0', 3],
    ['SINTERCARD 2 a b LIMIT 9223372036854775807', 3],
    ['SINTERCARD 2 a b LIMIT 1 LIMIT 2', 2],
    ['SINTERCARD 2 a none', 0],
  ],
  'words are looked at': [
    ['SADD s a b', 2],
    ['SADD s', /^-ERR wrong number of arguments for 'sadd' command/],
    ['SMOVE s a', /^-ERR wrong number of arguments for 'smove' command/],
    ['SPOP s -1', /^-ERR value is out of range, must be positive/],
    ['SPOP s x', /^-ERR value is out of range, must be positive/],
    ['SPOP s 1 2', SYNTAX],
    ['SRANDMEMBER s x', NOT_INTEGER],
    ['SRANDMEMBER s 9223372036854775808', NOT_INTEGER],
    ['SRANDMEMBER s -9223372036854775808', /^-ERR value is out of range, value must between -9223372036854775807 and /],
    ['SRANDMEMBER s 1 2', SYNTAX],
    ['SINTERCARD 0 s', /^-ERR numkeys should be greater than 0/],
    ['SINTERCARD x s', /^-ERR numkeys should be greater than 0/],
    ['SINTERCARD 2 s', /^-ERR Number of keys can't be greater than number of args/],
    ['SINTERCARD 9223372036854775807 s', /^-ERR Number of keys can't be greater than number of args/],
    ['SINTERCARD 9223372036854775808 s', /^-ERR numkeys should be greater than 0/],
    ['SINTERCARD 1 s LIMIT', SYNTAX],
    ['SINTERCARD 1 s LIMIT -1', /^-ERR LIMIT can't be negative/],
    ['SINTERCARD 1 s LIMIT x', /^-ERR LIMIT can't be negative/],
    ['SINTERCARD 1 s s', SYNTAX],
    ['SSCAN s x', /^-ERR invalid cursor/],
    ['SSCAN s 0 COUNT 0', SYNTAX],
    ['SSCAN s 0 COUNT x', NOT_INTEGER],
    ['SSCAN s 0 MATCH', SYNTAX],
    ['SSCAN s 0 TYPE set', SYNTAX],
    ['SCARD s', 2],
  ],
};

describe('commands on sets', () => {
  for (const [name, dialogue] of Object.entries(DIALOGUES)) {
    it(name, () => {
      const client = respStage().connect();
      const errors = dialogue.filter(([, reply]) => reply instanceof RegExp);
      holdUnordered(
        client,
        dialogue.filter((one) => !errors.includes(one)),
      );
      hold(client, errors);
    });
  }

  it('answer sets, by RESP3', () => {
    const client = respStage().connect();
    client.call(['HELLO', '3'], ['SADD', 's', 'a']);
    assert.equal(client.call(['SMEMBERS', 's']), '~1\r\n$1\r\na\r\n');
    assert.equal(client.call(['SUNION', 's', 'none']), '~1\r\n$1\r\na\r\n');
    assert.equal(client.call(['SINTER', 's', 'none']), '~0\r\n');
    assert.equal(client.call(['SRANDMEMBER', 's', '2']), '*1\r\n$1\r\na\r\n');
    assert.equal(client.call(['SRANDMEMBER', 's', '-2']), '*2\r\n$1\r\na\r\n$1\r\na\r\n');
    assert.equal(client.call(['SMISMEMBER', 's', 'a']), '*1\r\n:1\r\n');
    assert.equal(client.call(['SSCAN', 's', '0']), '*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n');
    assert.equal(client.call(['SPOP', 's', '0']), '~0\r\n');
    assert.equal(client.call(['SPOP', 's', '1']), '~1\r\n$1\r\na\r\n');
    assert.equal(client.call(['SPOP', 's']), '_\r\n');
    assert.equal(client.call(['SRANDMEMBER', 's']), '_\r\n');
  });

  it('pick by chance what is there', () => {
    const client = respStage().connect();
    const all = Array.from({ length: 200 }, (_, index) => String(index)).sort();
    client.call(['SADD', 's', ...all]);
    assert.deepEqual(members(client, 'SRANDMEMBER s 300'), all);
    const some = ask(client, 'SRANDMEMBER s 50') as string[];
    assert.equal(new Set(some).size, 50);
    assert.ok(some.every((one) => all.includes(one)));
    const any = ask(client, 'SRANDMEMBER s -1000') as string[];
    assert.ok(any.length === 1_000 && any.every((one) => all.includes(one)));
    const taken: string[] = [String(ask(client, 'SPOP s'))];
    for (const count of [0, 1, 100, 60, 1_000]) taken.push(...(ask(client, `SPOP s ${count}`) as string[]));
    assert.deepEqual(taken.sort(), all);
    assert.equal(ask(client, 'EXISTS s'), 0);
  });

  it('walk through a set, and meet all that is there all the time', () => {
    const client = respStage().connect();
    const all = Array.from({ length: 500 }, (_, index) => `member ${index}`);
    client.call(['SADD', 's', ...all]);
    const met = new Set<string>();
    let cursor = '0';
    let pages = 0;
    do {
      const [next, page] = ask(client, `SSCAN s ${cursor} COUNT 20 MATCH "member ??*"`) as [string, string[]];
      for (const one of page) met.add(one);
      client.call(['SREM', 's', `member ${pages}`], ['SADD', 's', `new ${pages}`]);
      cursor = next;
      pages++;
    } while (cursor !== '0');
    assert.ok(pages >= 25, `${pages} pages`);
    assert.ok(all.slice(pages).every((one) => met.has(one)));
    assert.ok([...met].every((one) => /^member \d\d/.test(one)));
  });

  it('keep the time of a set, and not that of what becomes another one', () => {
    const client = respStage().connect();
    hold(client, [
      ['SADD s a b c', 3],
      ['EXPIRE s 100', 1],
      ['SADD s d', 1],
      ['SREM s a', 1],
      ['SMOVE s t b', 1],
      ['TTL t', -1],
    ]);
    ask(client, 'SPOP s 1');
    hold(client, [
      ['TTL s', 100],
      ['SUNIONSTORE s s t', 2],
      ['TTL s', -1],
    ]);
  });

  it('are copied, renamed and watched like any key', () => {
    const stage = respStage();
    const [client, other] = [stage.connect(), stage.connect()];
    const many = Array.from({ length: 2_000 }, (_, index) => `member ${index}`);
    client.call(['SADD', 's', ...many], ['COPY', 's', 'copy'], ['RENAME', 's', 't'], ['SADD', 'copy', 'one more']);
    hold(client, [
      ['SCARD t', 2_000],
      ['SCARD copy', 2_001],
      ['SINTERCARD 2 t copy', 2_000],
      ['EXISTS s', 0],
      ['WATCH t', OK],
    ]);
    other.call(['SREM', 't', 'member 1999']);
    hold(client, [
      ['MULTI', OK],
      ['SADD t lost', '+QUEUED'],
      ['EXEC', null],
      ['SISMEMBER t lost', 0],
      ['DEL t copy', 2],
      ['DBSIZE', 0],
    ]);
  });

  it('change nothing where there is no memory', () => {
    const client = respStage({ storeBytes: 2 ** 20 }).connect();
    const batch = (from: number): string[] => Array.from({ length: 500 }, (_, index) => `member ${from + index}`);
    let added = 0;
    while (client.call(['SADD', 's', ...batch(added)]).startsWith(':')) added += 500;
    assert.ok(added > 5_000, `${added} members`);
    const oom = /^-OOM /;
    hold(client, [
      ['SCARD s', added],
      ['SUNIONSTORE t s', oom],
      ['EXISTS t', 0],
      ['SADD few "member 1"', 1],
      ['SUNIONSTORE few s', oom],
      ['SMEMBERS few', ['member 1']],
      ['SINTERSTORE few none', 0],
      ['SREM s "member 1"', 1],
    ]);
    while (client.call(['SADD', 't', ...batch(added)]).startsWith(':')) added += 500;
    for (let bytes = 2_000; client.call(['SADD', 't', 'm'.repeat(bytes)]).startsWith(':'); bytes++);
    hold(client, [
      ['SMOVE s t "member 2"', oom],
      ['SISMEMBER s "member 2"', 1],
    ]);
    assert.equal((ask(client, 'SPOP s 1000') as string[]).length, 1_000);
    assert.equal(ask(client, 'SMOVE s t none'), 0);
    assert.equal(ask(client, 'DEL s t few'), 2);
  });

  it('have answers as large as a batch, or an error', () => {
    const client = respStage().connect();
    const large = (name: string): string => name.repeat(3 * 1024 * 1024);
    client.call(['SADD', 'a', large('a')], ['SADD', 'b', large('b')], ['SADD', 'c', 'c']);
    // Both in one batch have no room: the second one is done once more, with all that comes after it.
    const reply = client.call(['SMEMBERS', 'a'], ['SPOP', 'b', '1'], ['SADD', 'c', 'd'], ['SMISMEMBER', 'c', 'd']);
    const of = (name: string): string => `*1\r\n$${3 * 1024 * 1024}\r\n${large(name)}\r\n`;
    assert.ok(reply === `${of('a')}${of('b')}:1\r\n*1\r\n:1\r\n`);
    assert.equal(ask(client, 'EXISTS b'), 0);
    client.call(['SADD', 'a', large('b')]);
    const tooLarge = /^-ERR the reply would be too large/;
    hold(client, [
      ['SMEMBERS a', tooLarge],
      ['SPOP a 2', tooLarge],
      ['SRANDMEMBER a -2', tooLarge],
      ['SRANDMEMBER c -9223372036854775807', tooLarge],
      ['SUNION a c', tooLarge],
      ['SCARD a', 2],
      ['SUNIONSTORE to a c', 4],
      ['SCARD to', 4],
    ]);
    assert.equal((ask(client, 'SSCAN a 0 COUNT 1') as string[])[1]?.length, 1);
  });

  it('have members and keys up to their limits', () => {
    const client = respStage().connect();
    const items = Array.from({ length: 50_000 }, (_, index) => String(index));
    assert.equal(client.call(['SADD', 's', ...items]), `:${items.length}\r\n`);
    assert.equal(client.call(['SADD', 'l', 'm'.repeat(MAX_VALUE_BYTES)]), ':1\r\n');
    assert.match(client.call(['SADD', 'l', 'm'.repeat(MAX_VALUE_BYTES + 1)]), /^-ERR a value has at most/);
    const key = 'k'.repeat(MAX_KEY_BYTES);
    assert.equal(client.call(['SMOVE', 'l', key, 'm'.repeat(MAX_VALUE_BYTES)]), ':1\r\n');
    assert.equal(client.call(['SINTERCARD', '2', key, key]), ':1\r\n');
    for (const words of [
      ['SMOVE', 's', `${key}k`, '1'],
      ['SINTER', `${key}k`],
      ['SUNIONSTORE', 'to', `${key}k`],
      ['SINTERCARD', '1', `${key}k`],
    ]) {
      assert.match(client.call(words), /^-ERR a key has at most/);
    }
    const keys = new Array<string>(MAX_COMBINED_MEMBERS / items.length + 1).fill('s');
    assert.match(
      client.call(['SUNIONSTORE', 'to', ...keys]),
      /^-ERR a command looks at no more than \d+ members of sets/,
    );
    assert.match(client.call(['SINTERCARD', String(keys.length), ...keys]), /^-ERR a command looks at no more than/);
  });
});
