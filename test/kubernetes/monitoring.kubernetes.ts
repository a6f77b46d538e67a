import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { changes, command, deployments, failureOf, kubectl, SMALL, stepwise, type Deployments } from './deployments.ts';
import { installDefinitions, installedDefinitions, removeDefinitions } from './operator-definitions.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/monitoring.mjs', import.meta.url));
const MADE = ['dpr-monitoring', 'dpr-monitoring-dashboard', 'dpr-monitoring-pod-monitor', 'dpr-monitoring-rules'];
const made = (operation: string) => Object.fromEntries(MADE.map((name) => [name, operation]));

describe('a cluster on Kubernetes that Prometheus is to watch', function () {
  this.timeout(300_000);
  stepwise();
  let deployed: Deployments;

  before(async () => {
    assert.deepEqual(await installedDefinitions(), [], 'this needs a cluster without the Prometheus operator');
    deployed = await deployments();
  });
  after(() => (deployed as Deployments | undefined)?.end());
  after(removeDefinitions);

  const declare = (monitoring: object = {}) =>
    deployed.configure({
      'dpr:workerDefaults': SMALL,
      'dpr:finder': SMALL,
      'dpr:workers': [{ id: 0 }],
      'dpr:keepVolumes': false,
      ...monitoring,
    });
  const declareMonitored = () => declare({ 'dpr:monitoring': { labels: { release: 'prometheus' } } });
  const objects = async () => {
    const kinds = 'podmonitor,prometheusrule,configmap';
    const found = await kubectl(['get', kinds, '-n', deployed.namespace, '-l', 'release=prometheus', '-o', 'name']);
    return found.map((name) => name.replace('.monitoring.coreos.com', ''));
  };

  it('is refused by a preview and by a deployment, with what is missing, where there is no operator', async () => {
    await declareMonitored();
    for (const attempt of [() => deployed.previewText(), () => deployed.up()]) {
      const failure = await failureOf(attempt());
      assert.match(failure, /dpr-monitoring-needs-the-prometheus-operator-for-podmonitors/);
      assert.match(failure, /resource 'podmonitors\.monitoring\.coreos\.com' does not exist/);
      assert.match(failure, /resource 'prometheusrules\.monitoring\.coreos\.com' does not exist/);
      assert.doesNotMatch(failure, /unhandled|node_modules/i);
    }
    assert.deepEqual(await kubectl(['get', 'service,statefulset', '-n', deployed.namespace, '-o', 'name']), []);
  });

  it('has objects that the definitions of the operator accept to the letter', async () => {
    await installDefinitions();
    const words = ['--import', 'tsx', SCRIPT, '--namespace', deployed.namespace, '--label', 'release=prometheus'];
    const printed = await command(process.execPath, [...words, '--json'], {});
    const strictly = ['create', '--dry-run=server', '--validate=strict', '-f', '-'];
    assert.equal((await kubectl(strictly, printed)).length, 3);
    const wrong = printed.replace('"path":"/metrics"', '"paths":"/metrics"');
    assert.match(await failureOf(kubectl(strictly, wrong)), /unknown field "(.*\.)?paths"/);
  });

  it('comes up with them, and then nothing is left to do', async () => {
    await declareMonitored();
    await deployed.up();
    assert.deepEqual(await objects(), [
      'podmonitor/dpr-cluster',
      'prometheusrule/dpr-cluster',
      'configmap/dpr-cluster-dashboard',
    ]);
    assert.deepEqual(changes(await deployed.preview()), {});
    await deployed.refresh();
    assert.deepEqual(changes(await deployed.preview()), {});
  });

  it('lets go of them, and gets them back, without a change to anything else', async () => {
    await declare();
    assert.deepEqual(changes(await deployed.preview()), made('delete'));
    await deployed.up();
    assert.deepEqual(await objects(), []);
    await declareMonitored();
    assert.deepEqual(changes(await deployed.preview()), made('create'));
  });
});
