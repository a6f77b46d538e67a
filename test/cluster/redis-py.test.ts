import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pip, REDIS_PY } from '../redis/pip.ts';
import { tearDown } from './harness.ts';
import { type ServedStore, startStore } from './served-store.ts';

const TOKEN = 'a-token-that-clients-show';
const PROGRAM = path.join(import.meta.dirname, 'redis_py.py');

describe('a store in a cluster, for redis-py', () => {
  const packages = mkdtempSync(path.join(tmpdir(), 'dpr-redis-py-'));
  let child: ChildProcess | undefined;

  before(() => pip('install', '--target', packages, REDIS_PY));
  after(() => rmSync(packages, { recursive: true }));
  afterEach(() => void child?.kill('SIGKILL'));
  afterEach(tearDown);

  /** Have the program do this, and kill what it asks for. */
  async function succeeds({ place, port }: ServedStore, ...what: string[]): Promise<void> {
    const program = spawn('python3', [PROGRAM, String(port), ...what], {
      env: { ...process.env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' },
    });
    child = program;
    let failure = '';
    program.stderr.setEncoding('utf8').on('data', (text: string) => (failure += text));
    createInterface({ input: program.stdout }).on('line', (line) => {
      place.kill(line.slice('kill '.length));
      program.stdin.write('killed\n');
    });
    const code = await new Promise((resolve) => program.on('close', resolve));
    assert.equal(code, 0, failure);
  }

  it('serves it by RESP2 and RESP3: every type of value, pipelines, transactions, binary values', async () => {
    await succeeds(await startStore(), 'serves');
  });

  it('loses nothing that WAITAOF said is committed, when it is killed right after', async () => {
    await succeeds(await startStore(), 'keeps');
  });

  it('tells of a rollback by one command, of a pipeline too, or by a transaction as a whole, and goes on', async () => {
    await succeeds(await startStore(), 'rolls-back');
  });

  it('asks for the client token where there is one', async () => {
    await succeeds(await startStore({ clientToken: TOKEN }), 'asks-for-token', TOKEN);
  });
});
