import { decode, ERROR_CODES, FrameError, type Message } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createRandom } from '../simulation/random.ts';
import { damageFrame } from './fuzz/damage.ts';
import { KINDS, validFrame, type Source } from './fuzz/frames.ts';
import { createKnowledge } from './fuzz/knowledge.ts';
import { memoryChart } from './fuzz/memory.ts';
import { OUT_OF_REACH, report } from './fuzz/report.ts';
import { runFuzz, type FuzzOptions } from './fuzz/run.ts';
import { createFuzzSession } from './fuzz/session.ts';

const NUMBER_OF_FRAMES = 2_000;
const SHORT_RUN_MS = 8_000;

describe('the fuzzer', () => {
  const source = (): Source => ({ random: createRandom(1), knowledge: createKnowledge() });

  it('makes frames of every kind that can be read, and puts what it was told into others', () => {
    const own = source();
    for (let nth = 0; nth < NUMBER_OF_FRAMES; nth++) {
      for (const kind of KINDS) {
        const message = decode(validFrame(own, kind));
        assert.equal(message.kind, kind);
        own.knowledge.learn(message);
      }
    }
  });

  it('never makes a batch that adds anything, with anything that is wrong with it', () => {
    const own = source();
    const session = createFuzzSession(own);
    const seen = { whole: 0, broken: 0 };
    for (let nth = 0; nth < 10 * NUMBER_OF_FRAMES; nth++) {
      const frame = own.random.chance(0.5) ? session.batch(own.random.chance(0.5)) : validFrame(own, 'batch');
      addsNothing(decode(frame));
      try {
        addsNothing(decode(damageFrame(frame, own.random).bytes));
        seen.whole++;
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        seen.broken++;
      }
    }
    assert.ok(seen.whole > 0 && seen.broken > 0);
  });

  /** What a counter makes of a batch, when it holds more than nothing. */
  function addsNothing(message: Message): void {
    if (message.kind !== 'batch') return;
    const operations = Buffer.from(message.operations);
    if (operations.length !== 8 * message.count) return; // it is refused as a whole
    let sum = 0n;
    for (let at = 0; at < operations.length; at += 8) {
      const amount = operations.readBigInt64LE(at);
      if (amount < 2n ** 63n - 1n) sum += amount; // and this never fits
    }
    assert.equal(sum, 0n);
  }

  it('knows of every error code whether it can be reached', () => {
    assert.deepEqual(
      OUT_OF_REACH.filter((code) => !ERROR_CODES.includes(code)),
      [],
    );
  });

  const options = (more: Partial<FuzzOptions>): FuzzOptions => ({
    seed: 1,
    ms: SHORT_RUN_MS,
    framesPerMinute: 600_000,
    each: 2,
    signal: new AbortController().signal,
    progress: () => undefined,
    ...more,
  });

  it('harms no sessions but its own, at any port, in a run of seconds', async () => {
    const seen = await runFuzz(options({}));
    assert.ok((seen.counts.get('frames') ?? 0) > 10_000);
    for (const what of ['got reply', 'got cluster', 'error malformed', 'error sequenceGap', 'error unauthorized']) {
      assert.ok((seen.counts.get(what) ?? 0) > 0, `${what} never came`);
    }
    assert.ok(seen.commits.length > 0 && seen.newcomers.length > 0 && seen.samples.length > 0);
    assert.match(report(seen, 1), /^ {2}worker 2 +\d+ {2}\d+ {2}\d+ {2}\d+$/m);
    assert.match(memoryChart(seen.samples, 'memory', 2 ** 30), /<polyline .*worker 2/);
  });

  it('tells of a process that ends, with what it sent last', async () => {
    const killed = runFuzz(options({ started: (children) => children.get('worker 1')?.process.kill('SIGKILL') }));
    const message = await killed.then(
      () => '',
      (error: unknown) => (error instanceof Error ? error.message : ''),
    );
    assert.match(message, /^worker 1 ended \(SIGKILL\)/);
    const [file = ''] = /\S+\.json$/.exec(message) ?? [];
    const kept = JSON.parse(await readFile(file, 'utf8')) as readonly { readonly persona: object }[];
    await rm(file);
    assert.ok(kept.length > 0 && kept.every(({ persona }) => 'port' in persona));
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const interruption = new AbortController();
    let used = '';
    const started: FuzzOptions['started'] = (children, directory) => {
      used = directory;
      // As the terminal does, which tells all processes.
      for (const { process } of children.values()) process.kill('SIGINT');
      interruption.abort();
    };
    const seen = await runFuzz(options({ signal: interruption.signal, started }));
    assert.ok(seen.atMs < SHORT_RUN_MS);
    assert.notEqual(used, '');
    assert.equal(existsSync(used), false);
  });
});
