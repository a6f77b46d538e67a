import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { kubernetesTarget, TargetError } from '@dpr/chaos';
import { kubectl } from '../../services/chaos/kubectl.ts';

const OURS = { context: 'here', namespace: 'ours' };
const COUNTER = { name: 'counter-0', role: 'worker' } as const;
const patience = () => AbortSignal.timeout(60_000);

describe('a target on Kubernetes', () => {
  const { PATH: usualPath = '' } = process.env;
  let directory: string;
  let log: string;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'dpr-kubectl-'));
    log = path.join(directory, 'log');
    await writeFile(log, '');
    await symlink(path.join(import.meta.dirname, 'fake-kubectl.mjs'), path.join(directory, 'kubectl'));
    process.env.FAKE_KUBECTL_LOG = log;
    process.env.PATH = `${directory}:${path.dirname(process.execPath)}:${usualPath}`;
  });
  afterEach(async () => {
    process.env.PATH = usualPath;
    await rm(directory, { recursive: true });
  });

  /** What it was asked to change, without the script that runs in the pod. */
  const changes = async () =>
    (await readFile(log, 'utf8'))
      .split('\n')
      .flatMap((line) => /^--context here (exec|delete) .*?(?= --container|$)|SIG[A-Z]+$/.exec(line)?.[0] ?? []);

  it('says where it is and who there is: the Finder, then the workers by id, without those that end', async () => {
    const target = await kubernetesTarget(OURS);
    assert.equal(target.place, 'the namespace ours of here (https://api)');
    const names = (await target.victims()).map(({ name }) => name);
    assert.deepEqual(names, ['dpr-finder', 'counter-0', 'counter-1']);
    assert.deepEqual(await changes(), []);
  });

  it('needs a namespace by name, and its label', async () => {
    const unnamed = kubernetesTarget({ context: undefined, namespace: undefined });
    await assert.rejects(unnamed, /name the namespace of the cluster with --namespace/);
    const others = kubernetesTarget({ context: undefined, namespace: 'others' });
    await assert.rejects(others, /no fault is injected there.*kubectl label namespace others/);
    const nowhere = kubernetesTarget({ context: 'nowhere', namespace: 'ours' });
    await assert.rejects(nowhere, /cannot locate context nowhere; name a context with --context/);
  });

  it('crashes a pod by a signal and a forced deletion, and sees its successor come', async () => {
    const target = await kubernetesTarget(OURS);
    const outage = await target.inject(COUNTER, { kind: 'crash' });
    const { tookMs, startedMs = NaN, servingMs = NaN } = await outage.recovered(patience());
    assert.ok(startedMs >= 0 && startedMs <= servingMs && tookMs > 0);
    assert.deepEqual(await changes(), [
      '--context here exec --namespace ours counter-0-0',
      'SIGKILL',
      '--context here delete pod --namespace ours counter-0-0 --wait=false --ignore-not-found --force --grace-period=0',
    ]);
  });

  it('deletes a pod without force', async () => {
    const target = await kubernetesTarget(OURS);
    await (await target.inject(COUNTER, { kind: 'delete' })).recovered(patience());
    const expected = '--context here delete pod --namespace ours counter-0-0 --wait=false --ignore-not-found';
    assert.deepEqual(await changes(), [expected]);
  });

  it('lets a stopped pod go on when it is released', async () => {
    const target = await kubernetesTarget(OURS);
    await target.inject(COUNTER, { kind: 'stop', forMs: 3_600_000 });
    await target.release();
    assert.deepEqual(
      (await changes()).filter((change) => change.startsWith('SIG')),
      ['SIGSTOP', 'SIGCONT'],
    );
  });

  it('injects nothing into a process that is not there', async () => {
    const target = await kubernetesTarget(OURS);
    await assert.rejects(
      target.inject({ name: 'kv-9', role: 'worker' }, { kind: 'force' }) as Promise<unknown>,
      TargetError,
    );
  });

  it('repeats kubectl’s own words when it fails, and says where it is missing', async () => {
    await assert.rejects(kubectl({ context: undefined })(['make', 'coffee']), {
      name: 'TargetError',
      message: 'kubectl make coffee failed: error: what is make coffee?',
    });
    process.env.PATH = directory;
    await rm(path.join(directory, 'kubectl'));
    await assert.rejects(kubectl({ context: undefined })(['get', 'pods']), /kubectl is not on the path: install it/);
  });
});
