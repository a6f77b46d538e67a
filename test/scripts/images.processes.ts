import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import * as tar from 'tar';
import { WORKER_NODE_OPTIONS } from '../../infra/plan/local.ts';
import { packLayer, rewriteImage } from '../../scripts/images/archive.mjs';
import { bundleAll, bundlesOf, type Image, IMAGES, instructionsOf } from '../../scripts/images/contents.mjs';
import { billOfMaterials } from '../../scripts/images/sbom.mjs';
import { webAddress } from '../../scripts/images/source.mjs';

const SOURCE = { version: '0.1.0', license: 'MIT', revision: 'c'.repeat(40), time: new Date('2026-01-02T03:04:05Z') };
const BASE = { name: 'node:24-slim', digest: `sha256:${'a'.repeat(64)}` };
const FAKE = path.resolve('test/scripts/fake-docker.mjs');

type ImageConfig = { config: object; rootfs: { diff_ids: string[] }; history: { created_by: string }[] };
type Told = { name: string; id: string; digest: string; sbom: string };

describe('images', () => {
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'dpr-images-'))));
  afterEach(() => rm(directory, { recursive: true }));

  describe('made of the same files', () => {
    /** A saved image as some builder leaves it, and the image that it is rewritten to. */
    async function rewritten(name: string, built: Date, more: object): Promise<{ id: string; archive: Buffer }> {
      const root = path.join(directory, name, 'root');
      const saved = path.join(directory, name, 'saved');
      await mkdir(path.join(root, 'app'), { recursive: true });
      await mkdir(path.join(saved, 'base'), { recursive: true });
      await writeFile(path.join(root, 'app/b.js'), 'b');
      await writeFile(path.join(root, 'app/a.js'), 'a');
      await utimes(path.join(root, 'app/a.js'), built, built);
      for (const file of ['base/layer.tar', 'last.tar']) await writeFile(path.join(saved, file), file);
      const created = built.toISOString();
      const base = { created: '2025-01-01T00:00:00Z', created_by: 'of the base' };
      const config = {
        ...{ architecture: 'amd64', os: 'linux', created, docker_version: name, container: name },
        ...{ config: { Env: ['B=1', 'A=2'], User: '1000:1000', Image: name, Hostname: name, ...more } },
        rootfs: { type: 'layers', diff_ids: ['sha256:base', `sha256:${name}`] },
        history: [base, { created, created_by: `COPY dir:${name}` }, { created, created_by: name }],
      };
      await writeFile(path.join(saved, 'config.json'), JSON.stringify(config));
      const manifest = [{ Config: 'config.json', RepoTags: null, Layers: ['base/layer.tar', 'last.tar'] }];
      await writeFile(path.join(saved, 'manifest.json'), JSON.stringify(manifest));
      const layer = path.join(directory, name, 'layer.tar');
      await packLayer(root, ['app/b.js', 'app', 'app/a.js'], SOURCE.time, layer);
      const options = { layer, instructions: ['COPY root /', 'USER 1000:1000'], time: SOURCE.time, tags: ['dpr:1'] };
      const archive = path.join(directory, name, 'image.tar');
      return { id: await rewriteImage(saved, options, archive), archive: await readFile(archive) };
    }

    it('are the same, built by any user, at any time and place', async () => {
      const labels = { Labels: { one: '1', two: '2' } };
      const first = await rewritten('first', new Date('2026-05-01'), labels);
      const second = await rewritten('second', new Date('2026-06-01'), {
        Labels: { two: '2', one: '1' },
        Domainname: 'x',
      });
      assert.equal(first.id, second.id);
      const other = await rewritten('other', new Date('2026-05-01'), { Labels: { one: '1' } });
      assert.notEqual(first.id, other.id);
    });

    it('keep the base, and say of their own layer what is in it', async () => {
      const { id } = await rewritten('one', new Date(), {});
      const saved = path.join(directory, 'read');
      await mkdir(saved);
      await tar.extract({ file: path.join(directory, 'one/image.tar'), cwd: saved });
      const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(path.join(saved, file), 'utf8'));
      const [manifest] = (await read('manifest.json')) as { Config: string; Layers: string[]; RepoTags: string[] }[];
      assert.equal(manifest?.Config, `${id.replace('sha256:', '')}.json`);
      assert.deepEqual(manifest?.RepoTags, ['dpr:1']);
      const [base = '', own = ''] = manifest?.Layers ?? [];
      assert.equal(await readFile(path.join(saved, base), 'utf8'), 'base/layer.tar');
      const entries: [string, string | undefined][] = [];
      const onReadEntry = (entry: tar.ReadEntry) => entries.push([entry.path, entry.mtime?.toISOString()]);
      await tar.list({ file: path.join(saved, own), onReadEntry });
      const time = SOURCE.time.toISOString();
      assert.deepEqual(entries, [
        ['app/', undefined],
        ['app/a.js', time],
        ['app/b.js', time],
      ]);
      const { history, config, rootfs } = (await read(manifest?.Config ?? '')) as ImageConfig;
      assert.deepEqual(config, { User: '1000:1000', Env: ['B=1', 'A=2'] });
      assert.equal(rootfs.diff_ids[0], 'sha256:base');
      assert.deepEqual(
        history.map((step) => step.created_by),
        ['of the base', 'COPY root /', 'USER 1000:1000'],
      );
    });
  });

  describe('have a bill of materials', () => {
    it('that is valid CycloneDX, and lists what is in the bundles and the base', async () => {
      const bundles = await bundleAll();
      const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
      for (const image of Object.keys(IMAGES) as Image[]) {
        const files = Object.values(bundlesOf(image));
        const used = files.map((file) => bundles[file] ?? assert.fail(`${file} is not bundled`));
        const text = billOfMaterials(`dpr-${image}`, used, BASE, SOURCE);
        assert.equal(await validator.validate(text), null);
        assert.equal(text, billOfMaterials(`dpr-${image}`, used, BASE, SOURCE));
        const { components } = JSON.parse(text) as { components: { name: string; version?: string }[] };
        const names = components.map(({ name }) => name);
        assert.deepEqual(components[0], { 'bom-ref': 'base-image', type: 'container', ...base() });
        const expected = image === 'ingress' ? ['@dpr/ingress', 'pino', 'prom-client'] : ['@dpr/protocol', 'ws'];
        for (const name of expected) assert.ok(names.includes(name), `${image} lacks ${name}: ${names.join()}`);
        assert.ok(!names.includes('typescript') && !names.includes('esbuild'));
      }
    });
  });

  it('start workers with the options of Node that the local cluster gives them', () => {
    const entryPoint = (image: Image) => instructionsOf(image, {}).find((line) => line.startsWith('ENTRYPOINT'));
    const words = JSON.stringify(['node', ...WORKER_NODE_OPTIONS]).slice(0, -1);
    assert.equal(entryPoint('counter'), `ENTRYPOINT ${words},"/app/counter.js"]`);
    assert.equal(entryPoint('harness'), `ENTRYPOINT ${words}]`);
    assert.equal(entryPoint('finder'), 'ENTRYPOINT ["node","/app/finder.js"]');
  });

  it('say where their source is, and no password', () => {
    const cases: [string, string | undefined][] = [
      ['git@example.com:a/b.git', 'https://example.com/a/b'],
      ['ssh://git@example.com/a/b.git', 'https://example.com/a/b'],
      ['https://somebody:secret@example.com/a/b.git', 'https://example.com/a/b'],
      ['/srv/git/b.git', undefined],
      ['', undefined],
    ];
    for (const [remote, address] of cases) assert.equal(webAddress(remote), address);
  });

  describe('by their command', () => {
    async function run(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
      const bin = path.join(directory, 'bin');
      await mkdir(bin, { recursive: true });
      for (const name of ['docker', 'minikube']) await symlink(FAKE, path.join(bin, name)).catch(() => undefined);
      const child = spawn(process.execPath, ['scripts/images.mjs', ...words], {
        env: {
          ...process.env,
          PATH: `${bin}:${path.dirname(process.execPath)}:/usr/bin:/bin`,
          FAKE_DIRECTORY: directory,
          ...environment,
        },
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
      child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
      const code = await new Promise((resolve) => child.on('close', resolve));
      const calls = (await readFile(path.join(directory, 'calls'), 'utf8').catch(() => '')).split('\n');
      return { code, stdout, stderr, calls };
    }

    it('are built, pushed and told of as JSON', async () => {
      const { code, stdout, stderr, calls } = await run([
        '--registry',
        'reg.example.com/dpr',
        '--tag',
        '3',
        '--only',
        'counter',
        '--push',
        '--check',
        '--json',
      ]);
      assert.equal(code, 0, stderr);
      const [built] = JSON.parse(stdout) as [Told];
      assert.equal(built.name, 'reg.example.com/dpr/dpr-counter:3');
      assert.match(built.id, /^sha256:[0-9a-f]{64}$/);
      assert.equal(built.digest, `reg.example.com/dpr/dpr-counter@sha256:${'d'.repeat(64)}`);
      assert.match(stderr, /dpr-counter:3 built twice alike, pushed: 1\.0 MB, 0\.\d MB on top of the base/);
      assert.ok(calls.includes('docker push --quiet reg.example.com/dpr/dpr-counter:3'));
      const loaded = path.join(directory, 'loaded');
      await mkdir(loaded);
      await tar.extract({ file: path.join(directory, 'loaded.tar'), cwd: loaded });
      await tar.extract({ file: path.join(loaded, 'own/layer.tar'), cwd: loaded });
      assert.equal(await readFile(path.join(loaded, 'app/sbom.cdx.json'), 'utf8'), await readFile(built.sbom, 'utf8'));
      assert.equal(
        await readFile(path.join(loaded, 'app/counter.js'), 'utf8'),
        await readFile('dist/counter.js', 'utf8'),
      );
    });

    it('come into the nodes of a cluster without a registry', async () => {
      const { code, stdout, calls } = await run(['--only', 'finder,client', '--tag', '3', '--load', 'minikube']);
      assert.equal(code, 0);
      assert.equal(stdout, 'dpr-finder:3\ndpr-client:3\n');
      const loads = calls.filter((call) => call.startsWith('minikube'));
      assert.deepEqual(loads, [
        'minikube image load --overwrite=true dpr-finder:3',
        'minikube image load --overwrite=true dpr-client:3',
      ]);
    });

    const refusals: [string, string[], Record<string, string>, RegExp][] = [
      ['an option that does not exist', ['--tga', '1'], {}, /Unknown option '--tga'.*--help tells the options/s],
      ['an image that does not exist', ['--only', 'kv'], {}, /no image "kv": --only takes finder, counter/],
      ['a push to nowhere', ['--push'], {}, /--push needs --registry/],
      ['a cluster that it cannot load into', ['--load', 'k3s'], {}, /--load takes minikube or kind, not "k3s"/],
      [
        'a tool that is not there',
        ['--only', 'finder', '--load', 'kind'],
        {},
        /kind could not be started: .*Install it \(https:\/\/kind/,
      ],
      ['Docker that is not there', [], { DOCKER: 'no-docker' }, /no-docker could not be started: .*Install Docker/],
      [
        'Docker that does not run',
        [],
        { FAKE_REFUSES: 'image', FAKE_REASON: 'Cannot connect to the Docker daemon at unix:///x' },
        /Cannot connect.*\nStart Docker, or name its address with DOCKER_HOST/,
      ],
      [
        'a push that is refused',
        ['--only', 'finder', '--registry', 'r.example.com', '--push'],
        { FAKE_REFUSES: 'push', FAKE_REASON: 'denied: requested access to the resource is denied' },
        /docker push --quiet r\.example\.com\/dpr-finder:latest failed:\ndenied: .*\nLog in to the registry/,
      ],
    ];
    for (const [what, words, environment, expected] of refusals) {
      it(`refuse ${what}`, async () => {
        const { code, stderr } = await run(words, environment);
        assert.equal(code, 1);
        assert.match(stderr, expected);
        assert.doesNotMatch(stderr, /\n {4}at /);
      });
    }
  });
});

function base() {
  return { name: BASE.name, version: BASE.digest };
}
