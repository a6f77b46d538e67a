import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import fc from 'fast-check';
import { MAX_LOG_BYTES, openLogFile } from '../../services/local/log-file.ts';
import { MAX_LINE_CHARACTERS, readLines, saidIn } from '../../services/local/log-lines.ts';

describe("a process's log", () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(path.join(tmpdir(), 'dpr-log-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('keeps the newest lines, within twice its limit', () => {
    const file = path.join(directory, 'x.log');
    const log = openLogFile(file, (error) => assert.ifError(error), 100);
    for (let line = 0; line < 100; line++) log.write(`line ${line}`);
    log.close();
    log.write('one more, after it was closed');
    log.close();
    assert.deepEqual(readdirSync(directory), ['x.log', 'x.log.1']);
    const kept = ['x.log.1', 'x.log'].map((name) => readFileSync(path.join(directory, name), 'utf8'));
    for (const text of kept) assert.ok(text.length <= 140);
    const lines = kept.join('').trimEnd().split('\n');
    assert.equal(lines.at(-1), 'one more, after it was closed');
    assert.deepEqual(
      lines.slice(0, -1),
      Array.from({ length: lines.length - 1 }, (_, index) => `line ${index + 101 - lines.length}`),
    );
  });

  it('is rotated at its size, not one byte before, and again each time', () => {
    const file = path.join(directory, 'x.log');
    const read = (name: string) => readFileSync(path.join(directory, name), 'utf8');
    const log = openLogFile(file, (error) => assert.ifError(error));
    const line = (letter: string) => letter.repeat(1023);
    const lines = MAX_LOG_BYTES / 1024;
    for (const [index, letter] of ['a', 'b', 'c', 'd'].entries()) {
      log.write(`${letter.toUpperCase()}${letter.repeat(1022)}`);
      for (let written = 1; written < lines; written++) log.write(line(letter));
      assert.equal(read('x.log').length, MAX_LOG_BYTES);
      assert.ok(read('x.log').startsWith(letter.toUpperCase()), 'the file begins with the rotation');
      if (index > 0) assert.equal(read('x.log.1').length, MAX_LOG_BYTES);
    }
    log.write('e');
    log.close();
    assert.deepEqual(readdirSync(directory), ['x.log', 'x.log.1']);
    assert.equal(read('x.log'), 'e\n');
    assert.ok(read('x.log.1').startsWith('D'));
  });

  it('goes on from a file that had reached its size before', () => {
    const file = path.join(directory, 'x.log');
    writeFileSync(file, 'x'.repeat(100));
    const log = openLogFile(file, (error) => assert.ifError(error), 100);
    for (const line of ['a', 'b', 'c']) log.write(line);
    log.close();
    assert.equal(readFileSync(`${file}.1`, 'utf8').length, 100);
    assert.equal(readFileSync(file, 'utf8'), 'a\nb\nc\n');
  });

  it('is made anew when the file or its directory is removed or renamed', () => {
    const logs = path.join(directory, 'logs');
    const file = path.join(logs, 'x.log');
    const log = openLogFile(file, (error) => assert.ifError(error));
    const take: Readonly<Record<string, () => void>> = {
      'the file is removed': () => rmSync(file),
      'the file is renamed': () => renameSync(file, `${file}.old`),
      'the file is replaced': () => {
        writeFileSync(`${file}.new`, '');
        renameSync(`${file}.new`, file);
      },
      'the directory is removed': () => rmSync(logs, { recursive: true }),
      'the directory is renamed': () => renameSync(logs, `${logs}.old`),
    };
    log.write('first');
    for (const [what, act] of Object.entries(take)) {
      act();
      log.write(what);
      log.write('next');
      assert.equal(readFileSync(file, 'utf8'), `${what}\nnext\n`);
    }
    log.close();
  });

  it('that cannot be written is told of once', () => {
    const errors: Error[] = [];
    const blocked = path.join(directory, 'none');
    writeFileSync(blocked, 'a file where the directory should be');
    const log = openLogFile(path.join(blocked, 'x.log'), (error) => errors.push(error));
    log.write('a');
    log.write('b');
    assert.equal(errors.length, 1);
    assert.match(String(errors[0]?.message), /EEXIST|ENOTDIR/);
    rmSync(blocked);
    mkdirSync(blocked);
    log.write('c');
    log.close();
    assert.equal(readFileSync(path.join(blocked, 'x.log'), 'utf8'), 'c\n');
  });
});

describe("a process's output", () => {
  async function linesOf(chunks: readonly string[]): Promise<string[]> {
    const stream = new PassThrough();
    const lines: string[] = [];
    readLines(stream, (line) => lines.push(line));
    for (const chunk of chunks) stream.write(chunk);
    stream.end();
    await finished(stream);
    return lines;
  }

  it('comes in lines, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.stringMatching(/^[ab\n]*$/)), async (chunks) => {
        const whole = chunks.join('');
        const expected = whole.split('\n');
        if (expected.at(-1) === '') expected.pop();
        assert.deepEqual(await linesOf(chunks), expected);
      }),
    );
  });

  it('is cut where a line has no end', async () => {
    const chunk = 'x'.repeat(MAX_LINE_CHARACTERS);
    const lines = await linesOf([chunk, chunk, `${chunk}\nnext`]);
    assert.deepEqual(lines, [chunk, 'next']);
  });

  it('says what people should know', () => {
    const line = (content: object) => saidIn(JSON.stringify(content));
    assert.equal(line({ level: 'info', event: 'serving' }), undefined);
    assert.equal(
      line({ level: 'warn', event: 'rollback', worldLine: 3 }),
      undefined,
      'told once for the whole cluster',
    );
    assert.deepEqual(line({ level: 'warn', event: 'finderRefused', reason: 'wrong token' }), {
      severity: 'warn',
      text: 'finder refused: wrong token',
    });
    assert.deepEqual(line({ level: 'fatal', event: 'crashed', error: 'Error: no\n    at a.js:1\n    at b.js:2' }), {
      severity: 'fatal',
      text: 'crashed: Error: no',
    });
    assert.deepEqual(line({ level: 'error', msg: 'from\nelsewhere' }), { severity: 'error', text: 'from elsewhere' });
    assert.deepEqual(saidIn('TypeError: x is not a function'), {
      severity: 'fatal',
      text: 'TypeError: x is not a function',
    });
    for (const other of ['    at Object.<anonymous> (x.js:1:1)', 'Node.js v22', 'listening', '{ not json', '{}', '']) {
      assert.equal(saidIn(other), undefined);
    }
  });

  it('never makes a line that is too long to show', () => {
    const said = saidIn(JSON.stringify({ level: 'error', reason: 'x'.repeat(10_000) }));
    assert.ok((said?.text.length ?? Infinity) <= 300);
  });
});
