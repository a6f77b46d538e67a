import assert from 'node:assert/strict';
import { parseConfig } from '@dpr/infra/config';
import { planLocal } from '@dpr/infra/plan';

const OPTIONS = { dataDirectory: '/data', programDirectory: '/dist', node: 'node', host: '127.0.0.1' };

function plan(raw: object, options: Partial<typeof OPTIONS> & { checkpointIntervalMs?: number } = {}) {
  return planLocal(parseConfig(raw, 'local'), { ...OPTIONS, ...options });
}

describe('the plan of one machine', () => {
  it('tells the Finder and a counter everything that they need to know', () => {
    assert.deepEqual(plan({ workers: [{ id: 1 }] }), {
      finder: {
        name: 'dpr-finder',
        command: ['node', '/dist/finder.js'],
        environment: {
          DPR_HOST: '127.0.0.1',
          DPR_PORT: '6379',
          DPR_CONTROL_PORT: '16379',
          DPR_ADMIN_PORT: '26379',
          DPR_DATA: '/data/dpr-finder',
          DPR_LOG_LEVEL: 'info',
          DPR_HOST_NAMES: '',
        },
        dataDirectory: '/data/dpr-finder',
        ports: { public: 6379, control: 16379, admin: 26379 },
      },
      workers: [
        {
          id: 1,
          type: 'counter',
          name: 'counter-1',
          command: ['node', '--initial-old-space-size=96', '/dist/counter.js'],
          environment: {
            DPR_HOST: '127.0.0.1',
            DPR_PORT: '6381',
            DPR_ADMIN_PORT: '26381',
            DPR_DATA: '/data/counter-1',
            DPR_LOG_LEVEL: 'info',
            DPR_HOST_NAMES: '',
            DPR_WORKER_ID: '1',
            DPR_WORKER_TYPE: 'counter',
            DPR_PUBLIC_PORT: '6381',
            DPR_PUBLIC_HOST: '',
            DPR_FINDER: 'ws://127.0.0.1:16379',
            DPR_CHECKPOINT_INTERVAL_MS: '100',
          },
          dataDirectory: '/data/counter-1',
          ports: { public: 6381, admin: 26381 },
        },
      ],
    });
  });

  it("starts another project's worker by its own command, or by its type's", () => {
    const { workers } = plan({
      commands: { kv: 'node my-kv/main.js  --fast', constructor: 'make' },
      workers: [
        { id: 0, type: 'kv' },
        { id: 1, type: 'kv', command: ['node', 'my other kv.js'] },
        { id: 2, type: 'constructor' },
      ],
    });
    assert.deepEqual(
      workers.map(({ name, command }) => ({ name, command })),
      [
        { name: 'kv-0', command: ['node', 'my-kv/main.js', '--fast'] },
        { name: 'kv-1', command: ['node', 'my other kv.js'] },
        { name: 'constructor-2', command: ['make'] },
      ],
    );
  });

  it('takes the most specific checkpoint interval, and one that was asked for at the start before all', () => {
    const raw = {
      checkpointIntervalMs: 50,
      workerDefaults: { checkpointIntervalMs: 40 },
      workers: [{ id: 0 }, { id: 1, checkpointIntervalMs: 30 }],
    };
    const intervals = (given: ReturnType<typeof plan>) =>
      given.workers.map(({ environment }) => environment.DPR_CHECKPOINT_INTERVAL_MS);
    assert.deepEqual(intervals(plan(raw)), ['40', '30']);
    assert.deepEqual(intervals(plan(raw, { checkpointIntervalMs: 10 })), ['10', '10']);
    assert.deepEqual(intervals(plan({ checkpointIntervalMs: 50, workers: [{ id: 0 }] })), ['50']);
  });

  it('tells a store what its keys may take, in bytes, and what it does then, where its entry says it', () => {
    const { workers } = plan({
      workers: [
        { id: 0, type: 'store' },
        { id: 1, type: 'store', maxMemory: '1.5Mi', eviction: 'lru' },
      ],
    });
    assert.deepEqual(
      workers.map(({ environment }) => [environment.DPR_MAX_MEMORY_BYTES, environment.DPR_EVICTION]),
      [
        [undefined, undefined],
        ['1572864', 'lru'],
      ],
    );
  });

  it('tells every process how long a peer may be silent, where the configuration does', () => {
    const { finder, workers } = plan({ receiveTimeoutMs: 5_000, workers: [{ id: 0 }] });
    for (const { environment } of [finder, ...workers]) assert.equal(environment.DPR_RECEIVE_TIMEOUT_MS, '5000');
  });

  it('tells every process which pages and names may lead to it', () => {
    const raw = { allowedOrigins: ['https://a.example', 'http://b:8080'], hostNames: ['x.lan'], workers: [{ id: 0 }] };
    const options = { ...OPTIONS, hostNames: ['devbox', 'x.lan'] };
    const { finder, workers } = planLocal(parseConfig(raw, 'local'), options);
    for (const { environment } of [finder, ...workers]) {
      assert.equal(environment.DPR_ALLOWED_ORIGINS, 'https://a.example,http://b:8080');
      assert.equal(environment.DPR_HOST_NAMES, 'x.lan,devbox');
    }
  });

  it('gives tokens to every process, and none where there are none', () => {
    const tokens = { controlToken: 'control-0123456789', clientToken: 'client-0123456789' };
    const { finder, workers } = plan({ ...tokens, workers: [{ id: 0 }] });
    for (const { environment } of [finder, ...workers]) {
      assert.equal(environment.DPR_CONTROL_TOKEN, tokens.controlToken);
      assert.equal(environment.DPR_CLIENT_TOKEN, tokens.clientToken);
    }
    const without = plan({ workers: [{ id: 0 }] }).finder.environment;
    assert.ok(!('DPR_CONTROL_TOKEN' in without) && !('DPR_CLIENT_TOKEN' in without));
  });

  for (const [host, finder] of [
    ['0.0.0.0', 'ws://127.0.0.1:16379'],
    ['::', 'ws://[::1]:16379'],
    ['10.0.0.7', 'ws://10.0.0.7:16379'],
    ['fd00::7', 'ws://[fd00::7]:16379'],
  ] as const) {
    it(`lets workers reach a Finder that is bound to ${host}`, () => {
      const [worker] = plan({ workers: [{ id: 0 }] }, { host }).workers;
      assert.equal(worker?.environment.DPR_HOST, host);
      assert.equal(worker.environment.DPR_FINDER, finder);
    });
  }
});
