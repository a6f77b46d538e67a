import assert from 'node:assert/strict';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, type Cluster, type Session } from '@dpr/client';
import { SIGNAL_SCRIPT } from '../../services/chaos/signal-script.ts';
import { setType } from '../../examples/set/client.ts';
import { command, deployments, kubectl, pushImages, SMALL, stepwise, type Deployments } from './deployments.ts';

const STOP_LIMIT_MS = 2_000;
/** Any time but the commit's: it gives images of another digest. */
const ANOTHER_TIME = 1_000_000_000;
const PATIENCE_MS = 120_000;

type Pod = {
  metadata: { name: string; uid: string };
  spec: { containers: { image: string }[] };
  status: {
    conditions?: { type: string; status: string; lastTransitionTime: string }[];
    containerStatuses?: {
      ready: boolean;
      restartCount: number;
      imageID: string;
      lastState: { terminated?: { exitCode: number; finishedAt: string } };
    }[];
  };
};
type LogLine = { event?: string; time: string };

describe('images on Kubernetes', function () {
  this.timeout(600_000);
  stepwise();
  let deployed: Deployments;
  let setImage: string;
  let cluster: Cluster | undefined;
  let session: Session;

  before(async () => {
    deployed = await deployments();
    setImage = `${deployed.images.registry}/dpr-example-set:${deployed.images.tag}`;
  });
  after(async () => {
    await cluster?.close();
    await (deployed as Deployments | undefined)?.end();
  });

  const own = () => ['-n', deployed.namespace];
  const json = async <T>(...words: string[]) =>
    JSON.parse((await kubectl([...words, ...own(), '-o', 'json'])).join('\n')) as T;
  const pod = (name: string) => json<Pod>('get', 'pod', name);
  const counters = [{ id: 0 }, { id: 1 }];
  const set = () => ({ id: 2, type: 'set', image: setImage, mountPath: '/var/lib/set', listenPort: 9_000 });
  const declare = (workers: object[], more: object = {}) =>
    deployed.configure({
      ...{ 'dpr:workerDefaults': SMALL, 'dpr:finder': SMALL, 'dpr:keepVolumes': false, 'dpr:workers': workers },
      ...more,
    });

  const image = (name: string) => `${deployed.images.registry}/dpr-${name}:${deployed.images.tag}`;
  const logOf = async (name: string, ...words: string[]) =>
    (await kubectl(['logs', ...own(), ...words, name]))
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
  /** A pod that nothing looks after, as strict as those of the cluster. */
  const runAlone = (name: string, container: object) => {
    const securityContext = {
      ...{ allowPrivilegeEscalation: false, runAsNonRoot: true, readOnlyRootFilesystem: true },
      ...{ capabilities: { drop: ['ALL'] }, seccompProfile: { type: 'RuntimeDefault' } },
    };
    const spec = {
      restartPolicy: 'Never',
      securityContext: { fsGroup: 1000 },
      containers: [{ name, securityContext, ...container }],
      volumes: [{ name: 'data', emptyDir: {} }],
    };
    const manifest = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec };
    return kubectl(['create', ...own(), '-f', '-'], JSON.stringify(manifest));
  };

  it('are the same in another directory, at another time', async () => {
    const build = async (directory: string) => {
      const base = process.env.DPR_BASE_IMAGE ?? '';
      const words = ['scripts/images.mjs', '--only', 'counter,harness', '--tag', `alike-${deployed.images.tag}`];
      const told = await command(process.execPath, [...words, '--base-image', base, '--json'], { cwd: directory });
      return (JSON.parse(told) as { name: string; id: string }[]).map(({ name, id }) => [name, id]);
    };
    const directory = await mkdtemp(path.join(tmpdir(), 'dpr-alike-'));
    const [first, second] = ['first', 'a/second'].map((name) => path.join(directory, name)) as [string, string];
    await command('git', ['clone', '--quiet', '.', first], {});
    const built = await build(first);
    await command('mkdir', [path.dirname(second)], {});
    await rename(first, second);
    await rm(path.join(second, 'dist'), { recursive: true });
    assert.deepEqual(await build(second), built);
    await rm(directory, { recursive: true });
  });

  it('run as pods of the restricted standard', async () => {
    await declare(counters);
    await deployed.up();
    const { metadata } = await json<{ metadata: { labels: Record<string, string> } }>(
      'get',
      'namespace',
      deployed.namespace,
    );
    assert.equal(metadata.labels['pod-security.kubernetes.io/enforce'], 'restricted');
    const { items } = await json<{ items: Pod[] }>('get', 'pods', '-l', 'app.kubernetes.io/part-of=dpr-cluster');
    const names = items.map((one) => one.metadata.name);
    for (const name of ['dpr-finder-0', 'counter-0-0', 'counter-1-0']) assert.ok(names.includes(name), name);
    cluster = await connect({ cluster: await deployed.output('finderUrl') });
    session = cluster.session({ replay: true });
    assert.equal(await session.counter(0).add(300), 300n);
    await session.commit();
  });

  it('have the dpr command', async () => {
    await runAlone('dpr', { image: image('client'), command: ['dpr', '--help'] });
    await kubectl(['wait', ...own(), '--for=jsonpath={.status.phase}=Succeeded', 'pod/dpr', '--timeout=60s']);
    assert.match((await kubectl(['logs', ...own(), 'dpr'])).join('\n'), /remove-worker/);
  });

  it('end by SIGTERM as process 1, on a root file system that is read only', async () => {
    const ports = { PORT: '6379', CONTROL_PORT: '16379', ADMIN_PORT: '26379' };
    const settings = { HOST: '0.0.0.0', DATA: '/data/dpr', ...ports };
    const env = Object.entries(settings).map(([name, value]) => ({ name: `DPR_${name}`, value }));
    await runAlone('alone', { image: image('finder'), env, volumeMounts: [{ name: 'data', mountPath: '/data' }] });
    await kubectl(['wait', ...own(), '--for=condition=Ready', 'pod/alone', '--timeout=60s']);
    await until('it serves', async () => (await logOf('alone')).some(({ event }) => event === 'serving'));
    await kubectl(['exec', ...own(), 'alone', '--', 'kill', '-TERM', '1']);
    await kubectl(['wait', ...own(), '--for=jsonpath={.status.phase}=Succeeded', 'pod/alone', '--timeout=60s']);
    assert.ok(stopTime(await logOf('alone')) < STOP_LIMIT_MS);
  });

  it('end within two seconds of SIGTERM in the cluster, with all they did', async () => {
    for (const name of ['counter-0-0', 'dpr-finder-0']) {
      await session.counter(0).add(1);
      await kubectl(['exec', ...own(), name, '--', 'node', '--eval', SIGNAL_SCRIPT, 'SIGTERM']);
      const ended = await until(`${name} ended`, async () => containerOf(await pod(name))?.lastState.terminated);
      assert.equal(ended.exitCode, 0);
      const took = stopTime(await logOf(name, '--previous'));
      assert.ok(took < STOP_LIMIT_MS, `${name} took ${took} ms`);
      await kubectl(['wait', ...own(), '--for=condition=Ready', `pod/${name}`, '--timeout=60s']);
    }
    await session.commit();
    assert.equal(await session.counter(0).get(), 302n);
    assert.equal(session.worldLine, 1, 'nothing was rolled back');
  });

  it('stay live and ready while the Finder is away', async () => {
    const before = await pod('counter-1-0');
    await kubectl(['scale', ...own(), 'statefulset/dpr-finder', '--replicas=0']);
    await kubectl(['wait', ...own(), '--for=delete', 'pod/dpr-finder-0', '--timeout=60s']);
    // As long as it takes to be found dead, for one that is: six probes, five seconds apart.
    const probed = Date.now() + 31_000;
    let value = 0n;
    await until('all probes', async () => {
      value = await session.counter(1).add(1);
      assert.equal(containerOf(await pod('counter-1-0'))?.ready, true);
      return Date.now() > probed;
    });
    await kubectl(['scale', ...own(), 'statefulset/dpr-finder', '--replicas=1']);
    await session.commit();
    assert.equal(await session.counter(1).get(), value);
    const after = await pod('counter-1-0');
    assert.equal(after.metadata.uid, before.metadata.uid);
    assert.equal(containerOf(after)?.restartCount, containerOf(before)?.restartCount);
    const ready = ({ status }: Pod) => status.conditions?.find(({ type }) => type === 'Ready');
    assert.deepEqual(ready(after)?.lastTransitionTime, ready(before)?.lastTransitionTime, 'it was ready all the time');
    assert.equal(session.worldLine, 1);
  });

  it('of another project’s worker type join by the config alone', async () => {
    const harness = `HARNESS=${deployed.images.registry}/dpr-harness:${deployed.images.tag}`;
    await command('docker', ['build', '--quiet', '--build-arg', harness, '--tag', setImage, 'examples/set'], {});
    await command('docker', ['push', '--quiet', setImage], {});
    await declare([...counters, set()]);
    await deployed.up();
    const seen = session.worker(2, setType);
    assert.deepEqual(await seen.addAll(['a', 'b']).committed, [true, true]);
    const { metadata } = await pod('set-2-0');
    await kubectl(['delete', 'pod', 'set-2-0', ...own(), '--force', '--grace-period=0']);
    await until(
      'another pod',
      async () => (await pod('set-2-0').catch(() => undefined))?.metadata.uid !== metadata.uid,
    );
    assert.deepEqual(await seen.addAll(['a', 'c']).committed, [false, true]);
  });

  it('are upgraded under load, and no operation is lost', async () => {
    const worldLine = session.worldLine;
    const rollbacks: unknown[] = [];
    const load = cluster?.session() ?? assert.fail();
    load.onRollback((report) => rollbacks.push(report));
    const seen = load.worker(2, setType);
    const totals = [await load.counter(0).get(), await load.counter(1).get()] as [bigint, bigint];
    let upgraded = false;
    let rounds = 0;
    const working = (async () => {
      for (; !upgraded; rounds++) {
        assert.equal(await seen.add(`round-${rounds}`), true);
        for (const id of [0, 1]) totals[id as 0 | 1] += 3n;
        assert.equal(await load.counter(0).add(3), totals[0]);
        assert.equal(await load.counter(1).add(3), totals[1]);
      }
    })();
    const before = containerOf(await pod('counter-0-0'))?.imageID;
    const upgrade = async () => {
      const { registry, tag } = await pushImages(`${deployed.images.tag}-next`, ANOTHER_TIME);
      await declare([...counters, set()], { 'dpr:images': { ...deployed.images, registry, tag } });
      await deployed.up();
      upgraded = true;
    };
    await Promise.all([upgrade(), working]);
    await load.commit();
    assert.deepEqual([await load.counter(0).get(), await load.counter(1).get()], totals);
    assert.ok(rounds > 0);
    assert.notEqual(containerOf(await pod('counter-0-0'))?.imageID, before);
    assert.deepEqual(rollbacks, []);
    assert.equal(load.worldLine, worldLine, 'no world-line began');
  });
});

function containerOf({ status }: Pod) {
  return status.containerStatuses?.[0];
}

/** From being asked to stop to the end, ms. */
function stopTime(lines: readonly LogLine[]): number {
  const time = (event: string) => Date.parse(lines.find((line) => line.event === event)?.time ?? '');
  return time('stopped') - time('stopping');
}

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
  }
}
