import assert from 'node:assert/strict';
import { harms } from '../../infra/preview-harms.ts';
import { changes, deployments, failureOf, kubectl, SMALL, stepwise, type Deployments } from './deployments.ts';

describe('a cluster on Kubernetes that is declared to be elsewhere', function () {
  this.timeout(300_000);
  stepwise();
  let deployed: Deployments;
  const made = () => `${deployed.namespace}-made`;

  const declare = (config: object) =>
    deployed.configure({
      'dpr:workerDefaults': SMALL,
      'dpr:finder': SMALL,
      'dpr:workers': [{ id: 0 }],
      'dpr:namespace': made(),
      'dpr:createNamespace': true,
      'dpr:keepVolumes': false,
      ...config,
    });

  before(async () => {
    deployed = await deployments();
    await declare({});
    await deployed.up();
  });
  after(() => (deployed as Deployments | undefined)?.end());

  it('has nothing to do where a size is written otherwise', async () => {
    await declare({ 'dpr:workerDefaults': { ...SMALL, storage: '1024Mi' } });
    const preview = await deployed.preview();
    assert.deepEqual(changes(preview), {});
    assert.deepEqual(harms(JSON.stringify(preview)), []);
  });

  it('is refused where its volumes would be deleted with their namespace', async () => {
    await declare({ 'dpr:createNamespace': false });
    assert.match(
      await failureOf(deployed.previewText()),
      /would delete the namespace dpr-test-\w+-made, with every volume/,
    );
    await declare({ 'dpr:namespace': deployed.namespace, 'dpr:createNamespace': false });
    assert.match(await failureOf(deployed.previewText()), /change the namespace .* which would delete every volume/);
  });

  it('is refused in another namespace, where its volumes would be new', async () => {
    await declare({ 'dpr:keepVolumes': true });
    await deployed.up();
    await declare({ 'dpr:keepVolumes': true, 'dpr:namespace': deployed.namespace, 'dpr:createNamespace': false });
    assert.match(
      await failureOf(deployed.previewText()),
      /change the namespace .* where every volume would be new and empty/,
    );
  });

  it('lets go of its namespace, and finds its volumes there', async () => {
    await declare({ 'dpr:keepVolumes': true, 'dpr:createNamespace': false });
    assert.deepEqual(harms(JSON.stringify(await deployed.preview())), []);
    await deployed.up();
    assert.deepEqual(changes(await deployed.preview()), {});
    assert.deepEqual(await kubectl(['get', 'pvc', '-n', made(), '-o', 'name']), [
      'persistentvolumeclaim/data-counter-0-0',
      'persistentvolumeclaim/data-dpr-finder-0',
    ]);
  });

  it('is refused in a namespace that only has the same name, unless it may start anew', async () => {
    await kubectl(['delete', 'namespace', made()]);
    assert.match(await failureOf(deployed.previewText()), /dpr-namespace-that-should-exist/);
    await kubectl(['create', 'namespace', made()]);
    assert.match(await failureOf(deployed.previewText()), /is another namespace .*KUBECONFIG.*"all" to dpr:replace/s);
    await declare({ 'dpr:keepVolumes': true, 'dpr:createNamespace': false, 'dpr:replace': ['all'] });
    await deployed.preview();
    await kubectl(['delete', 'namespace', made(), '--wait=false']);
  });
});
