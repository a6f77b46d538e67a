import assert from 'node:assert/strict';
import { type Cluster, connect } from '@dpr/client';
import { deployments, type Deployments, kubectl, SMALL, stepwise } from './deployments.ts';
import { startLoad } from './load.ts';
import { type Ended, start } from './programs.ts';
import { startZombie } from './zombie.ts';

const STACK = {
  // Slow checkpoints, so that the worker that is killed has something to lose.
  'dpr:workerDefaults': {
    storage: '1Gi',
    cpu: { request: '20m' },
    memory: { request: '64Mi' },
    checkpointIntervalMs: 500,
  },
  'dpr:finder': SMALL,
};
const EXPERIMENT = ['--target', '70000', '--step', '300', '--duration', '35s'];
/** Far more than the recovery of a pod takes, also on a busy machine. */
const RECOVERY_LIMIT_MS = 90_000;
/** Who did not wait for the Finder was answered within this, or within half the time that the Finder was away. */
const SILENCE_LIMIT_MS = 1_000;

describe('a cluster on Kubernetes whose pods have faults', function () {
  this.timeout(300_000);
  stepwise();
  let deployed: Deployments;
  let address: string;
  let cluster: Cluster | undefined;

  before(async () => {
    deployed = await deployments();
    await deployed.configure({ ...STACK, 'dpr:workers': [{ id: 0 }, { id: 1 }] });
    await deployed.up();
    address = await deployed.output('finderUrl');
    cluster = await connect({ cluster: address });
  });
  after(async () => {
    await cluster?.close();
    await (deployed as Deployments | undefined)?.end();
  });

  const theCluster = (): Cluster => cluster ?? assert.fail('the cluster is not connected');
  const inNamespace = (...words: string[]) => kubectl([...words, '--namespace', deployed.namespace]);
  const place = () => ['--kubernetes', '--namespace', deployed.namespace];
  const struck = ({ said }: Ended) => said.filter(({ event }) => event === 'struck').map(({ victims }) => victims);

  async function chaos(...words: string[]): Promise<Ended> {
    return (await start('chaos', [...place(), ...words])).ended;
  }

  /** Injects one fault while a client works, and looks whether it has lost anything in the end. */
  async function injectUnderLoad(who: string, fault: string) {
    const worldLine = await worldLineNow();
    const load = await startLoad(theCluster(), [0, 1]);
    await load.more(5);
    const patience = ['--patience', String(RECOVERY_LIMIT_MS)];
    const { code, said, errors } = await chaos('--sequence', who, '--fault', fault, '--cluster', address, ...patience);
    assert.equal(code, 0, errors);
    const took = said.flatMap(({ event, tookMs }) => (event === 'recovered' ? [Number(tookMs)] : []));
    await load.more(5);
    await load.end();
    return { load, worldLines: (await worldLineNow()) - worldLine, tookMs: Math.max(...took) };
  }

  async function worldLineNow(): Promise<number> {
    const session = theCluster().session();
    await session.counter(0).get();
    session.close();
    return session.worldLine;
  }

  const podOf = async (name: string) => {
    const [text = ''] = await inNamespace(
      'get',
      'pod',
      `${name}-0`,
      '-o',
      'jsonpath={.metadata.uid} {.status.containerStatuses[0].restartCount}',
    );
    const [uid, restarts] = text.split(' ');
    return { uid, restarts: Number(restarts) };
  };

  describe('chaos', () => {
    it('touches nothing in a namespace that does not say that it is a cluster’s', async () => {
      const { code, errors, said } = await chaos('--count', '1');
      assert.equal(code, 1);
      assert.match(
        errors,
        /does not have the label app\.kubernetes\.io\/part-of=dpr-cluster.*kubectl label namespace/s,
      );
      assert.deepEqual(said, []);
      await kubectl(['label', 'namespace', deployed.namespace, 'app.kubernetes.io/part-of=dpr-cluster']);
    });

    it('tells in a dry run which faults it would inject, and injects none', async () => {
      const before = await podOf('counter-0');
      const { code, said } = await chaos('--dry-run', '--count', '3');
      assert.equal(code, 0);
      assert.deepEqual(said[0]?.victims, ['dpr-finder', 'counter-0', 'counter-1']);
      assert.equal(said.filter(({ event }) => event === 'wouldStrike').length, 3);
      assert.deepEqual(await podOf('counter-0'), before);
    });

    it('says which victims there are, and lets a pod that stood still go on', async () => {
      const unknown = await chaos('--sequence', 'counter-7');
      assert.match(unknown.errors, /there is no "counter-7".*dpr-finder, counter-0, counter-1/);
      const before = await podOf('counter-1');
      const { code, errors } = await chaos('--sequence', 'counter-1', '--fault', 'stop', '--stop-for', '500ms');
      assert.equal(code, 0, errors);
      assert.deepEqual(await podOf('counter-1'), before);
      assert.ok((await theCluster().session().counter(1).get()) >= 0n);
    });
  });

  describe('loses nothing, and rolls nothing back,', () => {
    it('when a worker’s pod is deleted', async () => {
      const { load, worldLines } = await injectUnderLoad('counter-0', 'delete');
      assert.equal(worldLines, 0);
      assert.deepEqual(load.rollbacks, []);
    });

    it('when the Finder’s pod is deleted by force, nor does any process wait for it', async () => {
      const { load, worldLines, tookMs } = await injectUnderLoad('finder', 'force');
      assert.equal(worldLines, 0);
      assert.deepEqual(load.rollbacks, []);
      assert.ok(load.longestSilenceMs() < Math.max(SILENCE_LIMIT_MS, tookMs / 2));
    });

    it('when the Finder crashes', async () => {
      const { load, worldLines } = await injectUnderLoad('finder', 'crash');
      assert.equal(worldLines, 0);
      assert.deepEqual(load.rollbacks, []);
    });
  });

  describe('has every total exact', () => {
    it('when a worker’s pod is deleted by force', async () => {
      const before = await podOf('counter-0');
      await injectUnderLoad('counter-0', 'force');
      assert.notEqual((await podOf('counter-0')).uid, before.uid);
    });

    it('when the process in a pod is killed', async () => {
      const before = await podOf('counter-1');
      const { worldLines } = await injectUnderLoad('counter-1', 'kill');
      assert.deepEqual(await podOf('counter-1'), { uid: before.uid, restarts: before.restarts + 1 });
      assert.ok(worldLines >= 1);
    });

    it('when all pods crash at once', async () => {
      const { worldLines } = await injectUnderLoad('all', 'crash');
      assert.ok(worldLines >= 1);
    });

    it('in the experiment from outside, a pod crashing every five seconds', async () => {
      const words = ['--cluster', address, ...place(), '--victims', 'workers', ...EXPERIMENT];
      const { code, said, errors } = await (await start('experiment', words)).ended;
      assert.equal(code, 0, `${errors}${JSON.stringify(said)}`);
      const [report] = said as unknown as {
        exact: boolean;
        expected: number;
        worldLines: number;
        strikes: Record<string, number>;
      }[];
      assert.equal(report?.expected, 70_200);
      assert.equal(report.exact, true);
      const strikes = Object.values(report.strikes).reduce((sum, count) => sum + count, 0);
      assert.ok(strikes >= 3 && report.worldLines >= strikes);
      const finder = await inNamespace('logs', 'dpr-finder-0');
      assert.ok(finder.filter((line) => line.includes('"event":"rollback"')).length >= strikes);
    });

    it('in the experiment from inside, as the stack’s client run', async () => {
      const patience = ['--patience', String(RECOVERY_LIMIT_MS)];
      const faults = await start('chaos', [...place(), '--victims', 'workers', '--interval', '5s', ...patience]);
      const clientRun = {
        program: 'experiment',
        arguments: ['--cluster', '$(DPR_CLUSTER)', '--kill-every', '0', ...EXPERIMENT],
      };
      await deployed.configure({ ...STACK, 'dpr:workers': [{ id: 0 }, { id: 1 }], 'dpr:clientRun': clientRun });
      await deployed.up().finally(() => faults.interrupt());
      const ended = await faults.ended;
      assert.equal(ended.code, 130, ended.errors);
      assert.ok(struck(ended).length > 0); // how many depends on how long each takes
      const log = await inNamespace('logs', '--selector', 'app.kubernetes.io/component=client', '--tail=100');
      assert.match(log.join('\n'), /expected +70,200 each.*EXACT/s);
    });
  });

  describe('with a process that goes on after its pod was replaced', () => {
    it('believes nothing that it says or writes', async () => {
      const zombie = await startZombie(deployed.namespace, 'counter-0');
      const load = await startLoad(theCluster(), [0, 1]);
      await load.more(5);
      await zombie.replace();
      const other = await connect({ cluster: address });
      await other.session().counter(0).add(0).committed;
      const said = await zombie.wake();
      assert.match(said, /"event":"stop","why":"fenced"/);
      await load.more(5);
      await load.end();
      await other.close();
      await zombie.remove();
      // What it left on the volume counts as little: the process that reads it next finds the successor's state.
      await injectUnderLoad('counter-0', 'crash');
    });
  });
});
