import fc from 'fast-check';
import assert from 'node:assert/strict';
import { CommandParser, RespSyntaxError } from '../../services/resp/command-parser.ts';
import {
  MAX_ARGUMENTS,
  MAX_BULK_BYTES,
  MAX_COUNT_BYTES,
  MAX_INLINE_BYTES,
  MAX_QUERY_BYTES,
} from '../../services/resp/limits.ts';
import { encodeCommand } from './stage.ts';

/** What a parser finds in pieces, and why it ended. */
function read(pieces: readonly Buffer[], parser = new CommandParser()): { commands: Buffer[][]; error?: string } {
  const commands: Buffer[][] = [];
  try {
    for (const piece of pieces) {
      parser.push(piece);
      while (parser.next()) {
        commands.push(Array.from({ length: parser.found.count }, (_, index) => Buffer.from(parser.found.slice(index))));
      }
    }
    return { commands };
  } catch (error) {
    if (!(error instanceof RespSyntaxError)) throw error;
    return { commands, error: error.message };
  }
}

/** The bytes, cut at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => Buffer.from(bytes.subarray(ends[index - 1] ?? 0, end)));
}

function line(text: string): string[] | string | undefined {
  const { commands, error } = read([Buffer.from(`${text}\r\n`)]);
  return error ?? commands[0]?.map(String);
}

const word = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const commandWords = fc.array(word, { minLength: 1, maxLength: 6 });
const cuts = fc.array(fc.nat(), { maxLength: 12 });

describe('commands of Redis clients', () => {
  it('are found however they are cut, and whatever they contain', () => {
    fc.assert(
      fc.property(fc.array(commandWords, { maxLength: 8 }), cuts, (commands, places) => {
        const bytes = Buffer.concat(commands.map(encodeCommand));
        assert.deepEqual(read(cut(bytes, places)), { commands });
      }),
    );
  });

  it('are the same found again where memory is used again', () => {
    const parser = new CommandParser();
    fc.assert(
      fc.property(fc.array(commandWords, { maxLength: 4 }), cuts, (commands, places) => {
        assert.deepEqual(read(cut(Buffer.concat(commands.map(encodeCommand)), places), parser), { commands });
        assert.equal(parser.heldBytes, 0);
        assert.equal(parser.memoryBytes, 0);
      }),
    );
  });

  it('may be lines, with words in quotes', () => {
    assert.deepEqual(line('SET key  value '), ['SET', 'key', 'value']);
    assert.deepEqual(line('SET "a b" \'c "d\''), ['SET', 'a b', 'c "d']);
    assert.deepEqual(line('"\\x41\\n\\"\\\\" \'\\\'\\n\' ""'), ['A\n"\\', "'\\n", '']);
    assert.equal(line('SET "a'), 'Protocol error: unbalanced quotes in request');
    assert.equal(line('SET "a"b'), 'Protocol error: unbalanced quotes in request');
    assert.deepEqual(line(''), undefined);
    assert.deepEqual(read([Buffer.from('\r\n\n \r\nPING\n')]).commands.map(String), ['PING']);
  });

  it('may be empty, which is none', () => {
    const { commands } = read([Buffer.from('*0\r\n*-1\r\n*-7\r\n*1\r\n$4\r\nPING\r\n')]);
    assert.deepEqual(commands.map(String), ['PING']);
  });

  it('are refused where they are none', () => {
    const error = (text: string) => read([Buffer.from(text)]).error;
    assert.equal(error('*x\r\n'), 'Protocol error: invalid multibulk length');
    assert.equal(error('*\r\n'), 'Protocol error: invalid multibulk length');
    assert.equal(error('*1\n'), 'Protocol error: invalid multibulk length');
    assert.equal(error('*1\r\n*1\r\n'), "Protocol error: expected '$', got '*'");
    assert.equal(error('*1\r\n:1\r\n'), "Protocol error: expected '$', got ':'");
    assert.equal(error('*1\r\n$-1\r\n'), 'Protocol error: invalid bulk length');
    assert.equal(error('*1\r\n$1x\r\n'), 'Protocol error: invalid bulk length');
    assert.equal(error('*1\r\n$1\r\nabc'), 'Protocol error: a bulk string ends with CR LF');
  });
});

describe('the limits of commands of Redis clients', () => {
  const text = (bytes: string): Buffer => Buffer.from(bytes);

  it('are of a bulk string', () => {
    const most = encodeCommand([Buffer.alloc(MAX_BULK_BYTES)]);
    assert.equal(read([most]).commands[0]?.[0]?.length, MAX_BULK_BYTES);
    assert.equal(read([text(`*1\r\n$${MAX_BULK_BYTES + 1}\r\n`)]).error, 'Protocol error: invalid bulk length');
  });

  it('are of the number of words', () => {
    const most = encodeCommand(Array.from({ length: MAX_ARGUMENTS }, () => ''));
    assert.equal(read([most]).commands[0]?.length, MAX_ARGUMENTS);
    assert.equal(read([text(`*${MAX_ARGUMENTS + 1}\r\n`)]).error, 'Protocol error: invalid multibulk length');
  });

  it('are of a command as a whole', () => {
    const head = `*3\r\n$${MAX_BULK_BYTES - 100}\r\n`;
    const part = Buffer.concat([text(head), Buffer.alloc(MAX_BULK_BYTES - 100), text('\r\n')]);
    const second = Buffer.concat([text(head.slice(4)), Buffer.alloc(MAX_BULK_BYTES - 100), text('\r\n')]);
    const left = MAX_QUERY_BYTES - part.length - second.length;
    const third = (bytes: number): Buffer[] => [part, second, text(`$${bytes}\r\n`), Buffer.alloc(bytes), text('\r\n')];
    const most = left - 2 - '$123\r\n'.length;
    assert.equal(read(third(most)).commands.length, 1);
    assert.equal(read(third(most + 1)).error, 'Protocol error: too big request');
  });

  it('are of a line', () => {
    const most = 'x'.repeat(MAX_INLINE_BYTES);
    assert.equal(line(most.slice(1))?.length, 1);
    assert.equal(line(`${most}x`), 'Protocol error: too big inline request');
    assert.equal(read([text(most)]).error, undefined);
    assert.equal(read([text(most), text('x')]).error, 'Protocol error: too big inline request');
  });

  it('are of a number', () => {
    const zeros = '0'.repeat(MAX_COUNT_BYTES - 1);
    assert.equal(read([text(`*${zeros}1\r\n$${zeros}1\r\nx\r\n`)]).commands.length, 1);
    assert.equal(read([text(`*${zeros}01`)]).error, 'Protocol error: invalid multibulk length');
    assert.equal(read([text(`*1\r\n$${zeros}01`)]).error, 'Protocol error: invalid bulk length');
  });

  it('are of memory: what was announced takes none, and what has come about as much as it is', () => {
    const parser = new CommandParser();
    parser.push(text(`*${MAX_ARGUMENTS}\r\n$${MAX_BULK_BYTES}\r\n`));
    assert.equal(parser.next(), false);
    assert.ok(parser.memoryBytes < 100);
    let come = parser.heldBytes;
    for (let piece = 0; piece < 100; piece++) {
      parser.push(Buffer.alloc(50_000));
      come += 50_000;
      assert.equal(parser.next(), false);
      assert.equal(parser.heldBytes, come);
      assert.ok(parser.memoryBytes <= 2 * come + 50_000);
    }
  });
});

/** Pieces that look like RESP. */
const fragments = fc.oneof(
  fc.constantFrom('*', '$', '\r\n', '\r', '\n', '-1', '0', '1', '3', '+', ':', '%', '_', '"', "'", '\\x', ' ', 'GET'),
  fc.integer({ min: -5, max: 5 }).map((number) => `*${number}\r\n`),
  fc.integer({ min: -5, max: 9 }).map((number) => `$${number}\r\n`),
  fc.constantFrom(
    '*2147483648\r\n',
    '$9999999999999999999\r\n',
    `*${'9'.repeat(60)}`,
    '*1\r\n*1\r\n*1\r\n',
    '$1e3\r\n',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const noise = fc.oneof(
  fc.array(fragments, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''), 'latin1')),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(fc.array(commandWords, { minLength: 1, maxLength: 5 }), fc.nat(), fc.uint8Array({ maxLength: 3 }))
    .map(([commands, at, bytes]) => {
      const whole = Buffer.concat(commands.map(encodeCommand));
      const place = at % whole.length;
      return Buffer.concat([whole.subarray(0, place), bytes, whole.subarray(place + (at % 3))]);
    }),
);

describe('what is sent in place of commands', () => {
  it('is refused or found, the same in whatever pieces, and held within its size', () => {
    fc.assert(
      fc.property(noise, cuts, (bytes, places) => {
        const parser = new CommandParser();
        const whole = read([bytes], parser);
        assert.ok(parser.heldBytes <= bytes.length);
        const inPieces = read(cut(bytes, places));
        assert.deepEqual(inPieces, whole);
      }),
      { numRuns: 3_000 },
    );
  });
});
