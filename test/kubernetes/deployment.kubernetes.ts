import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { connect, type Cluster, type Session } from '@dpr/client';
import { harms } from '../../infra/preview-harms.ts';
import { summary } from '../../infra/preview-summary.ts';
import { changes, deployments, failureOf, kubectl, SMALL, stepwise, type Deployments } from './deployments.ts';

const STACK = {
  'dpr:workerDefaults': SMALL,
  'dpr:finder': SMALL,
};
/** A program that fails in the wrong way takes half a minute of CPU to say so, and otherwise a few seconds. */
const FAILURE_LIMIT_MS = 25_000;
/** Made anew with a larger claim on the way. */
const STAYS = { id: 2, storage: '2Gi' };
const worker = (name: string) => [`dpr-${name}`, `dpr-${name}-service`, `dpr-${name}-set`];
/** What every change of the membership changes. */
const SHARED = {
  'dpr-ingress-configuration': 'update',
  'dpr-ingress-service': 'update',
  'dpr-membership-job': 'replace',
};

describe('a cluster on Kubernetes', function () {
  this.timeout(300_000);
  stepwise();
  let deployed: Deployments;
  let cluster: Cluster | undefined;
  let session: Session;
  const broken: string[] = [];

  before(async () => (deployed = await deployments()));
  after(async () => {
    await cluster?.close();
    await (deployed as Deployments | undefined)?.end();
  });

  const declare = (...workers: object[]) => deployed.configure({ ...STACK, 'dpr:workers': workers });
  const connected = async () => {
    cluster = await connect({
      cluster: await deployed.output('finderUrl'),
      log: ({ event, message }) => {
        if (event === 'disconnected') broken.push(message);
      },
    });
    return cluster.session();
  };

  it('has objects that the API server accepts to the letter', async () => {
    const folder = new URL('../infra/golden/', import.meta.url);
    const files = (await readdir(folder)).filter((file) => file !== 'monitoring.json'); // for clusters with the operator
    const words = [
      'get',
      'service',
      'kubernetes',
      '--namespace',
      'default',
      '--output',
      'jsonpath={.spec.ipFamilies[0]}',
    ];
    const family = JSON.stringify((await kubectl(words)).join('')); // a cluster accepts none but its own
    for (const file of files) {
      const golden = await readFile(new URL(file, folder), 'utf8');
      const resources = JSON.parse(golden.replaceAll('"IPv6"', family)) as GoldenResource[];
      const items = resources.flatMap((resource) => objectOf(resource, deployed.namespace));
      assert.ok(items.length > 0);
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
      await kubectl(['create', '--dry-run=server', '--validate=strict', '-f', '-'], list);
    }
  });

  it('says what is wrong with a configuration, and nothing else, within seconds', async () => {
    await declare({ id: 0 }, { id: 0 });
    const started = performance.now();
    const failure = await failureOf(deployed.previewText());
    assert.ok(performance.now() - started < FAILURE_LIMIT_MS);
    assert.match(failure, /dpr:workers\[1\]\.id is 0, as in dpr:workers\[0\]: give every worker its own id/);
    assert.doesNotMatch(failure, /unhandled|node_modules/i);
  });

  it('comes up from its configuration, after a preview, and then nothing is left to do', async () => {
    await declare({ id: 0 }, { id: 1 });
    assert.ok(Object.values(changes(await deployed.preview())).every((operation) => operation === 'create'));
    await deployed.up();
    assert.deepEqual(changes(await deployed.preview()), {});
  });

  it('serves clients outside, through the ingress', async () => {
    session = await connected();
    assert.equal(await session.counter(0).add(300), 300n);
    assert.equal(await session.counter(1).add(70), 70n);
    await session.commit();
  });

  it('previews a worker that is added as that worker, the ingress and the membership, and nothing else', async () => {
    await declare({ id: 0 }, { id: 1 }, { id: 2 });
    const created = Object.fromEntries(worker('counter-2').map((name) => [name, 'create']));
    const preview = await deployed.preview();
    assert.deepEqual(changes(preview), { ...SHARED, ...created });
    assert.deepEqual(harms(JSON.stringify(preview)), []);
    assert.match(
      summary(JSON.stringify(preview), 'test'),
      /^### test: 1 added\n.*\| counter-2 +\| is added, with a volume of/s,
    );
  });

  it('has the worker served the moment that the deployment returns', async () => {
    await deployed.up();
    assert.equal(await session.counter(2).add(1), 1n);
    assert.equal(await session.counter(0).get(), 300n);
  });

  it('refuses to change a volume, and makes the worker anew around it where asked to, seen by the check of previews', async () => {
    const workers = [{ id: 0 }, { id: 1 }, STAYS];
    await declare(...workers);
    assert.match(
      await failureOf(deployed.previewText()),
      /change the storage from 1Gi to 2Gi of worker 2, .*dpr:replace/,
    );
    await deployed.configure({ ...STACK, 'dpr:workers': workers, 'dpr:replace': [2] });
    const [harm, ...others] = harms(JSON.stringify(await deployed.preview()));
    assert.match(harm ?? '', /^StatefulSet dpr-counter-2-set would be made anew, because of spec.volumeClaimTemplates/);
    assert.deepEqual(others, []);
    await session.commit();
    await deployed.up();
    assert.equal(await session.counter(2).get(), 1n);
  });

  it('fails a deployment whose ingress NGINX refuses, with its reason, and serves on', async () => {
    await declare({ id: 0 }, { id: 1 }, STAYS, { id: 3, port: 80 });
    const failure = await failureOf(deployed.up());
    assert.match(
      failure,
      /NGINX refuses the ingress's new configuration, and serves the old one: .*Permission denied/s,
    );
    assert.equal(await session.counter(0).add(1), 301n);
  });

  it('lets workers that are removed leave first, and keeps their volumes', async () => {
    await declare({ id: 0 }, STAYS);
    const removed = ['counter-1', 'counter-3'].flatMap(worker);
    const expected = { ...SHARED, ...Object.fromEntries(removed.map((name) => [name, 'delete'])) };
    assert.deepEqual(changes(await deployed.preview()), expected);
    await session.counter(1).add(5);
    await deployed.up();
    assert.deepEqual(await kubectl(['get', 'statefulset', '-n', deployed.namespace, '-o', 'name']), [
      'statefulset.apps/counter-0',
      'statefulset.apps/counter-2',
      'statefulset.apps/dpr-finder',
    ]);
    const claims = await kubectl(['get', 'pvc', '-n', deployed.namespace, '-o', 'name']);
    assert.ok(claims.includes('persistentvolumeclaim/data-counter-1-0'));
    await assert.rejects(async () => session.counter(1).get(), /worker 1/);
    assert.equal(await session.counter(0).get(), 301n);
  });

  it('cut no connection to a worker that stayed', () => {
    const stayed = new RegExp(`:(${deployed.basePort}|${deployed.basePort + 1})\\b`); // the Finder and worker 0
    assert.ok(broken.length > 0);
    assert.deepEqual(
      broken.filter((message) => stayed.test(message)),
      [],
    );
  });

  it('brings a removed worker back with its old state, once told so', async () => {
    await declare({ id: 0 }, { id: 1 }, STAYS);
    assert.match(await failureOf(deployed.up()), /add worker 1 again, which was removed and whose volume is kept/);
    await declare({ id: 0 }, { id: 1, state: 'kept' }, STAYS);
    await deployed.up();
    const fresh = cluster?.session();
    assert.equal(await fresh?.counter(1).get(), 75n);
  });

  it('is found as it was left by a refresh', async () => {
    await deployed.refresh();
    assert.deepEqual(changes(await deployed.preview()), {});
  });

  it('finds what was changed by hand, and puts it right', async () => {
    await deployed.drift();
    const labels = ['label', 'statefulset', 'counter-0', '--namespace', deployed.namespace, '--overwrite'];
    await kubectl([...labels, 'app.kubernetes.io/name=changed']);
    assert.match(await failureOf(deployed.drift()), /dpr-counter-0-set.*changed/s);
    await deployed.refresh();
    await deployed.up();
    await deployed.drift();
  });

  it('reaches a worker whose Service was deleted by hand and made again, at another address', async () => {
    await kubectl(['delete', 'service', 'counter-1', '-n', deployed.namespace]);
    await deployed.refresh();
    await deployed.up();
    const client = await connect({ cluster: await deployed.output('finderUrl') });
    assert.equal(await client.session().counter(1).get(), 75n);
    await client.close();
  });

  it('leaves nothing behind but the volumes that its configuration keeps', async () => {
    await cluster?.close();
    await deployed.destroy();
    const kinds = 'statefulset,deployment,job,pod,service,networkpolicy,poddisruptionbudget,role,rolebinding,secret';
    assert.deepEqual(await kubectl(['get', kinds, '-n', deployed.namespace, '-o', 'name']), []);
    assert.deepEqual(
      (await kubectl(['get', 'pvc', '-n', deployed.namespace, '-o', 'name'])).map((name) => name.split('/')[1]),
      ['data-counter-0-0', 'data-counter-1-0', 'data-counter-2-0', 'data-counter-3-0', 'data-dpr-finder-0'],
    );
  });

  it('goes on where it was when it is deployed again', async () => {
    await deployed.up();
    assert.equal(await (await connected()).counter(0).get(), 301n);
  });
});

/** Of the fleet's workers, most have their types and names alone there. */
type GoldenResource = { readonly type: string; readonly inputs?: Record<string, unknown> };

/** A golden resource as the API server takes it: in a namespace of this run, with secrets as they are. */
function objectOf({ type, inputs }: GoldenResource, namespace: string): object[] {
  if (inputs === undefined || !type.startsWith('kubernetes:')) return [];
  const metadata = inputs.metadata as { name?: string; namespace?: string };
  const name = inputs.kind === 'Namespace' ? `${namespace}-golden` : (metadata.name ?? 'named-by-pulumi');
  const own = 'namespace' in metadata ? { ...metadata, name, namespace } : { ...metadata, name };
  const revealed = inputs.stringData as { secret: object } | undefined;
  return [{ ...inputs, metadata: own, ...(revealed === undefined ? {} : { stringData: revealed.secret }) }];
}
