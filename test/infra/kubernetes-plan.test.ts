import assert from 'node:assert/strict';
import { parseConfig } from '@dpr/infra/config';
import { planKubernetes, planNetworkPolicies } from '@dpr/infra/plan';
import fc from 'fast-check';

const plan = (raw: object) => planKubernetes(parseConfig(raw, 'kubernetes'));

/** Entries of a configuration that can stand together: ids are distinct, and so are the ports that follow from them. */
const someWorkers = fc.uniqueArray(
  fc.record(
    {
      id: fc.nat({ max: 2_000 }),
      type: fc.constantFrom('counter', 'kv', 'log-store'),
      storage: fc.constantFrom('1Gi', '20Gi'),
      port: fc.integer({ min: 30_000, max: 60_000 }),
      memory: fc.constantFrom({ limit: '1Gi' }, { request: '300Mi' }),
      checkpointIntervalMs: fc.integer({ min: 1, max: 1_000 }),
    },
    { requiredKeys: ['id'] },
  ),
  { selector: ({ id }) => id, maxLength: 12 },
);
const SHARED = { images: { kv: 'kv:1', 'log-store': 'log:1' }, workerDefaults: { mountPath: '/d', listenPort: 7000 } };

function possible(workers: readonly { id: number; port?: number }[]): boolean {
  const ports = workers.map(({ id, port }) => port ?? 6380 + id);
  return new Set(ports).size === ports.length;
}

describe('the plan on Kubernetes', () => {
  it('tells a worker everything that it needs to know', () => {
    const [worker] = plan({ images: { registry: 'r', tag: '7' }, workers: [{ id: 1, port: 7001 }] }).workers;
    assert.deepEqual(worker, {
      name: 'counter-1',
      role: 'worker',
      id: 1,
      type: 'counter',
      labels: {
        'app.kubernetes.io/name': 'dpr-worker',
        'app.kubernetes.io/instance': 'counter-1',
        'app.kubernetes.io/component': 'worker',
        'app.kubernetes.io/part-of': 'dpr-cluster',
        'app.kubernetes.io/managed-by': 'pulumi',
      },
      selector: {
        'app.kubernetes.io/instance': 'counter-1',
        'app.kubernetes.io/component': 'worker',
        'app.kubernetes.io/part-of': 'dpr-cluster',
      },
      image: { name: 'r/dpr-counter:7', withoutRegistry: false },
      publicPort: 7001,
      respPort: undefined,
      ports: { public: 6379, admin: 26379 },
      environment: {
        DPR_HOST: '0.0.0.0',
        DPR_PORT: '6379',
        DPR_ADMIN_PORT: '26379',
        DPR_DATA: '/data/dpr',
        DPR_LOG_LEVEL: 'info',
        DPR_WORKER_ID: '1',
        DPR_WORKER_TYPE: 'counter',
        DPR_PUBLIC_PORT: '7001',
        DPR_PUBLIC_HOST: '',
        DPR_FINDER: 'ws://dpr-finder:16379',
        DPR_CHECKPOINT_INTERVAL_MS: '100',
        DPR_CLIENT_ADDRESSES: 'hidden',
      },
      volume: {
        size: '10Gi',
        storageClass: undefined,
        mountPath: '/data',
        claim: 'data',
        accessMode: 'ReadWriteOnce',
        directory: 'dpr',
        keep: true,
      },
      resources: { cpu: { request: '250m', limit: '1' }, memory: { request: '256Mi', limit: '512Mi' } },
      pod: { terminationGracePeriodSeconds: 15 },
    });
  });

  it("takes another project's worker as its entry describes it", () => {
    const [worker] = plan({
      workers: [{ id: 2, type: 'kv', image: 'registry/kv:3', mountPath: '/var/lib/kv', listenPort: 9000 }],
    }).workers;
    assert.equal(worker?.name, 'kv-2');
    assert.deepEqual(worker.image, { name: 'registry/kv:3', withoutRegistry: false });
    assert.deepEqual(worker.ports, { public: 9000, admin: 29000 });
    assert.equal(worker.environment.DPR_DATA, '/var/lib/kv/dpr');
  });

  it('tells Finder and workers which pages may use them, and leaves names to the ingress', () => {
    const { finder, workers } = plan({ workers: [{ id: 0 }], allowedOrigins: ['https://a.example'], hostNames: ['x'] });
    for (const { environment } of [finder, ...workers]) {
      assert.equal(environment.DPR_ALLOWED_ORIGINS, 'https://a.example');
      assert.ok(!('DPR_HOST_NAMES' in environment));
    }
  });

  it('has NGINX tell the Finder and workers of addresses, and these believe it, where it sees them', () => {
    const of = (clientAddresses?: 'hidden' | 'proxied') => {
      const { finder, workers, ingress } = plan({
        workers: [{ id: 0 }, { id: 1 }],
        ingress: { ...(clientAddresses && { clientAddresses }) },
      });
      const told = [finder, ...workers].map(({ environment }) => environment.DPR_CLIENT_ADDRESSES);
      const lines = ingress.text.split('\n').filter((line) => line.includes('proxy_pass'));
      return { told, lines, text: ingress.text };
    };
    assert.deepEqual(of().told, ['hidden', 'hidden', 'hidden']);
    assert.doesNotMatch(of().text, /proxy_protocol|limit_conn/);
    assert.deepEqual(of('hidden'), of());
    const { told, lines, text } = of('proxied');
    assert.deepEqual(told, ['proxied', 'proxied', 'proxied']);
    assert.equal(
      lines[1],
      '  server { listen 6380 so_keepalive=on; proxy_pass counter-0:6379; limit_conn addresses 8192; proxy_protocol on; }',
    );
    assert.equal(lines.filter((line) => line.endsWith('limit_conn addresses 8192; proxy_protocol on; }')).length, 3);
    assert.match(text, /^ {2}limit_conn_zone \$binary_remote_addr zone=addresses:4m;$/m);
  });

  it('keeps admin ports out of the range from which pods take ports for their own connections', () => {
    const kv = { id: 0, type: 'kv', image: 'registry/kv:3', mountPath: '/kv', listenPort: 40_000 };
    const { workers, ingress } = plan({ workers: [kv], basePort: 30_000, ingress: { serviceType: 'NodePort' } });
    assert.equal(workers[0]?.ports.admin, 29_000);
    assert.equal(ingress.adminPort, 19_000);
  });

  it('gives every other worker the same when one comes, goes or changes its place', () => {
    const workersAndSome = someWorkers.filter(possible).chain((workers) => {
      return fc.tuple(fc.constant(workers), fc.shuffledSubarray(workers));
    });
    const property = fc.property(workersAndSome, ([workers, some]) => {
      const before = plan({ ...SHARED, workers }).workers;
      assert.deepEqual(
        plan({ ...SHARED, workers: some }).workers,
        some.map(({ id }) => before.find((worker) => worker.id === id)),
      );
    });
    fc.assert(property);
  });

  it('has the same ingress and the same membership for every order of the entries', () => {
    const property = fc.property(someWorkers.filter(possible), (workers) => {
      const one = plan({ ...SHARED, workers });
      const other = plan({ ...SHARED, workers: workers.toReversed() });
      assert.deepEqual(other.ingress, one.ingress);
      assert.deepEqual(other.membership, one.membership);
    });
    fc.assert(property);
  });

  it('has another ingress version and another membership Job for every other set of workers', () => {
    const names = new Map<string, string>();
    const versions = new Map<string, string>();
    const property = fc.property(someWorkers.filter(possible), (workers) => {
      const { ingress, membership } = plan({ ...SHARED, workers });
      const words = membership.arguments.join(' ');
      assert.equal(names.get(membership.name) ?? words, words);
      assert.equal(versions.get(ingress.version) ?? ingress.text, ingress.text);
      names.set(membership.name, words);
      versions.set(ingress.version, ingress.text);
    });
    fc.assert(property);
  });

  it('gives each worker one route, from its public port to where it listens', () => {
    const { ingress } = plan({ ...SHARED, workers: [{ id: 1 }, { id: 0 }, { id: 5, type: 'kv', port: 30_000 }] });
    assert.deepEqual(ingress.routes, [
      { name: 'finder', port: 6379, target: 'dpr-finder:6379' },
      { name: 'worker-0', port: 6380, target: 'counter-0:7000' },
      { name: 'worker-1', port: 6381, target: 'counter-1:7000' },
      { name: 'worker-5', port: 30000, target: 'kv-5:7000' },
    ]);
    assert.deepEqual(
      ingress.text.split('\n').filter((line) => line.includes('proxy_pass')),
      [
        '  server { listen 6379 so_keepalive=on; proxy_pass dpr-finder:6379; }',
        '  server { listen 6380 so_keepalive=on; proxy_pass counter-0:7000; }',
        '  server { listen 6381 so_keepalive=on; proxy_pass counter-1:7000; }',
        '  server { listen 30000 so_keepalive=on; proxy_pass kv-5:7000; }',
      ],
    );
    assert.ok(ingress.text.includes(`return ${ingress.version};`));
  });

  it('ends TLS at the ingress where there is a certificate', () => {
    const { ingress, membership } = plan({ workers: [{ id: 0 }], ingress: { tlsSecretName: 'cert' } });
    assert.ok(ingress.text.includes('ssl_certificate /etc/dpr/tls/tls.crt;'));
    assert.ok(ingress.text.includes('listen 6380 ssl so_keepalive=on;'));
    assert.equal(membership.environment.DPR_CLUSTER, 'wss://dpr-ingress:6379');
  });

  it('declares who belongs to the cluster, in few words for many workers', () => {
    const workers = Array.from({ length: 1_000 }, (_, id) => ({ id }));
    const { membership, ingress } = plan({
      ...SHARED,
      workers: [...workers, { id: 1_002, type: 'kv' }],
      forceRemove: [2_000, 1_001, 2_001],
    });
    assert.deepEqual(membership.arguments, [
      'ensure',
      'counter:0-999',
      'kv:1002',
      '--remove-others',
      '--force-remove',
      '1001,2000-2001',
      '--timeout',
      '300',
      '--ingress',
      'dpr-ingress-admin:26379',
      '--ingress-version',
      ingress.version,
    ]);
    assert.match(membership.name, /^dpr-membership-[0-9a-f]{10}$/);
    assert.deepEqual(plan({ workers: [] }).membership.arguments.slice(0, 3), ['ensure', 'none', '--remove-others']);
  });

  it('tells the Finder and every worker how long a peer may be silent, where the configuration does', () => {
    const { finder, workers } = plan({ receiveTimeoutMs: 5_000, workers: [{ id: 0 }] });
    for (const { environment } of [finder, ...workers]) assert.equal(environment.DPR_RECEIVE_TIMEOUT_MS, '5000');
  });

  it('runs a client only where asked to', () => {
    assert.equal(plan({ workers: [] }).clientRun, undefined);
    const { clientRun } = plan({ workers: [], clientRun: { arguments: ['status'], timeoutSeconds: 30 } });
    assert.deepEqual([clientRun?.arguments, clientRun?.timeoutSeconds], [['status'], 30]);
    assert.equal(clientRun?.command, undefined);
    const experiment = plan({ workers: [], clientRun: { program: 'experiment', arguments: [] } }).clientRun;
    assert.deepEqual(experiment?.command, ['node', '/app/experiment.js']);
  });

  it('has a console where it is asked for, which only a forwarded port reaches', () => {
    assert.equal(plan({ workers: [] }).console, undefined);
    const { console } = plan({ workers: [{ id: 0 }], console: true });
    assert.deepEqual(console?.arguments, [
      ...['console', '--host', '0.0.0.0', '--port', '8080'],
      ...['--metrics', 'http://NAME-0.dpr-pods:26379/metrics'],
    ]);
    assert.match(console.environment.DPR_CONTROL ?? '', /^ws:\/\/dpr-finder:/);
    assert.equal(console.labels['dpr-cluster/operator'], 'true', 'it may reach the control port');
    const before = planNetworkPolicies({ hasResp: false });
    assert.deepEqual(planNetworkPolicies({ hasResp: false, hasConsole: true }).slice(0, before.length), before);
    const [policy] = planNetworkPolicies({ hasResp: false, hasConsole: true }).slice(before.length);
    assert.deepEqual([policy?.role, policy?.ingress], ['console', []]);
  });

  it('lets that client reach the control port, which commands such as status ask', () => {
    const labels: Record<string, string> = { ...plan({ workers: [], clientRun: { arguments: [] } }).clientRun?.labels };
    const peers = planNetworkPolicies({ hasResp: false })
      .flatMap(({ ingress }) => ingress)
      .filter(({ ports }) => ports.some(({ port }) => port === 'control'))
      .flatMap(({ from }) => from as { podSelector: { matchLabels: Record<string, string> } }[]);
    const admitted = peers.filter(({ podSelector: { matchLabels } }) =>
      Object.entries(matchLabels).every(([name, value]) => labels[name] === value),
    );
    assert.equal(admitted.length, 1);
  });

  it('keeps all pods but the ingress from workers, and all but workers from the control port', () => {
    const from = (policy: string, port: string) =>
      planNetworkPolicies({ hasResp: false })
        .find(({ name }) => name === policy)
        ?.ingress.filter(({ ports }) => ports.some((allowed) => allowed.port === port))
        .flatMap((rule) => rule.from?.map((peer) => JSON.stringify(peer)) ?? ['any peer']);
    assert.equal(from('dpr-worker', 'public')?.length, 1);
    assert.match(from('dpr-worker', 'public')?.[0] ?? '', /"ingress"/);
    assert.deepEqual(
      from('dpr-finder', 'control')?.map((peer) => /component":"(\w+)|operator/.exec(peer)?.[0]),
      ['component":"worker', 'component":"membership', 'operator'],
    );
    assert.deepEqual(from('dpr-worker', 'control'), []);
  });

  it('gives workers that serve Redis clients a port more, in Service, ingress and policies', () => {
    const workers = [
      { id: 0, type: 'counter' },
      { id: 1, type: 'store' },
      { id: 2, type: 'store', resp: false },
    ];
    const before = plan({ workers });
    const { workers: planned, ingress } = plan({ workers, respBasePort: 7000 });
    assert.deepEqual(
      planned.map(({ respPort, ports, environment }) => [respPort, ports.resp, environment.DPR_RESP_PORT]),
      [
        [undefined, undefined, undefined],
        [7001, 6380, '6380'],
        [undefined, undefined, undefined],
      ],
    );
    assert.deepEqual(ingress.routes.slice(before.ingress.routes.length), [
      { name: 'resp-1', port: 7001, target: 'store-1:6380' },
    ]);
    assert.match(ingress.text, /listen 7001 /);
    assert.deepEqual([planned[0], planned[2]], [before.workers[0], before.workers[2]], 'the others stay as they are');
    const allowed = planNetworkPolicies({ hasResp: true }).find(({ name }) => name === 'dpr-worker')?.ingress ?? [];
    assert.equal(allowed.filter(({ ports }) => ports.some(({ port }) => port === 'resp')).length, 1);
  });

  it('tells a store what its keys may take, and changes nothing of others', () => {
    const before = plan({ workers: [0, 1].map((id) => ({ id, type: 'store' })) });
    const limits = { maxMemory: '64Mi', eviction: 'lru' };
    const { workers } = plan({
      workers: [
        { id: 0, type: 'store', ...limits },
        { id: 1, type: 'store' },
      ],
    });
    const more = { DPR_MAX_MEMORY_BYTES: String(2 ** 26), DPR_EVICTION: 'lru' };
    assert.deepEqual(workers[0]?.environment, { ...before.workers[0]?.environment, ...more });
    assert.deepEqual(workers[1], before.workers[1]);
  });
});
