import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { cleanUp } from '../client/clean-up.ts';
import { cut, fakeFinder, fakeWorker, reply } from '../client/fake-cluster.ts';

const ROOT = path.join(import.meta.dirname, '../..');

describe('the example that is traced', () => {
  const closing = cleanUp();

  it('prints spans of its calls within its own, and the commit’s link with the batch', async () => {
    const worker = closing(
      await fakeWorker(0, {
        reply(message, peer) {
          if (message.kind === 'batch') peer.send(reply(message, 1, [1n, 2n]));
          if (message.kind === 'commit') peer.send(cut({ 0: 1 }));
        },
      }),
    );
    const finder = closing(await fakeFinder());
    finder.members = [worker.member];
    const program = ['--import', 'tsx', 'examples/opentelemetry/main.ts', `ws://127.0.0.1:${finder.port}`];
    const child = spawn(process.execPath, program, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    closing({ close: () => child.kill('SIGKILL') });
    const [printed] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    assert.equal(child.exitCode, 0);

    const spans = new Map(
      printed.split(/^}$/m).flatMap((span) => {
        const [, name] = /\n {2}name: '(.*)'/.exec(span) ?? [];
        return name === undefined ? [] : [[name, span]];
      }),
    );
    assert.deepEqual([...spans.keys()], ['dpr connect', 'dpr batch', 'dpr commit', 'visit']);
    const [batch = '', commit = '', visit = ''] = [...spans.values()].slice(1);
    const idOf = (span: string): string => /\n {2}id: '(\w+)'/.exec(span)?.[1] ?? 'no id';
    assert.match(batch, /'dpr.operations': 2/);
    const within = new RegExp(`parentSpanContext: \\{[^}]*spanId: '${idOf(visit)}'`);
    for (const span of [batch, commit]) assert.match(span, within);
    assert.match(commit, new RegExp(`links: \\[[^\\]]*spanId: '${idOf(batch)}'`));
  });
});
