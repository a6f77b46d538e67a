import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@dpr/client';
import { buildPackages } from '../../scripts/packages.mjs';
import { programFile } from '../../scripts/packages/modules.mjs';
import { PUBLISHED } from '../../scripts/packages/published.mjs';
import { pip } from '../redis/pip.ts';
import { command, deployments, type Deployments, kubectl, SMALL } from './deployments.ts';

const EXAMPLE = fileURLToPath(new URL('../../infra/examples/python', import.meta.url));
const RUNNER = path.join(import.meta.dirname, 'python_program.py');
const PULUMI = 'pulumi==3.248.0';

describe('a program in Python that has a cluster on Kubernetes', function () {
  this.timeout(300_000);
  let deployed: Deployments;
  let directory: string;

  before(async () => {
    deployed = await deployments(); // its namespace, ports and images
    directory = await mkdtemp(path.join(tmpdir(), 'dpr-python-'));
    for (const folder of ['bin', 'state']) await mkdir(path.join(directory, folder));
    pip('install', '--target', path.join(directory, 'packages'), PULUMI);
    const { infra } = await buildPackages(['infra']);
    const plugin = path.join(infra.folder, programFile(PUBLISHED.infra) ?? '');
    await symlink(plugin, path.join(directory, 'bin', 'pulumi-resource-dpr'));
  });
  after(async () => {
    await deployed.end();
    await rm(directory, { recursive: true });
  });

  const run = (what: 'up' | 'destroy', settings: object) =>
    command('python3', [RUNNER, EXAMPLE, JSON.stringify(settings), what], {
      env: {
        ...process.env,
        PATH: `${path.join(directory, 'bin')}:${process.env.PATH ?? ''}`,
        PYTHONPATH: path.join(directory, 'packages'),
        PYTHONDONTWRITEBYTECODE: '1',
        PULUMI_BACKEND_URL: `file://${directory}/state`,
        PULUMI_CONFIG_PASSPHRASE: '',
      },
    });

  it('is told what is wrong with its settings, deploys the cluster, and leaves nothing', async () => {
    const { namespace, basePort, images } = deployed;
    const settings = {
      ...{ namespace, basePort, images, createNamespace: false, keepVolumes: false },
      ...{ workers: [{ id: 0 }], workerDefaults: SMALL, finder: SMALL },
    };
    await assert.rejects(run('up', { ...settings, workers: [{ id: 0 }, { id: 0 }] }), /workers\[1\]\.id is 0, as in/);

    const { finderUrl, endpoints } = JSON.parse(await run('up', settings)) as {
      finderUrl: string;
      endpoints: object[];
    };
    const cluster = await connect({ cluster: finderUrl });
    const session = cluster.session();
    assert.equal(await session.counter(0).add(7), 7n);
    await session.commit();
    await cluster.close();
    assert.deepEqual(endpoints, [
      { id: 0, type: 'counter', url: finderUrl.replace(String(basePort), String(basePort + 1)) },
    ]);

    await run('destroy', settings);
    assert.deepEqual(await kubectl(['get', 'statefulset', '--namespace', namespace, '--output', 'name']), []);
  });
});
