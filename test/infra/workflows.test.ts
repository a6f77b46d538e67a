import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

type Job = {
  readonly strategy: { readonly matrix: { readonly stack: readonly string[] } };
  readonly environment: string;
  readonly steps: readonly { readonly uses?: string; readonly run?: string; readonly with?: unknown }[];
};

type Needs = { readonly uses?: string; readonly needs?: string };
type Tests = {
  readonly strategy?: { readonly matrix: { readonly node?: readonly number[]; readonly suite?: readonly string[] } };
};

const root = new URL('../../', import.meta.url);
const textOf = (file: string) => readFile(new URL(file, root), 'utf8');

describe('the workflow', () => {
  for (const [name, command] of [
    ['preview', 'preview'],
    ['deploy', 'up'],
    ['drift', 'refresh'],
  ] as const) {
    describe(name, () => {
      let text: string;
      let job: Job;
      before(async () => {
        text = await textOf(`.github/workflows/${name}.yml`);
        const { jobs } = parse(text) as { jobs: Record<string, Job> };
        const found = jobs[command];
        assert.ok(found);
        job = found;
      });

      it(`runs "pulumi ${command}" once, by the CLI that the project is tried with, for stacks that there are`, () => {
        const runs = job.steps.filter(({ run }) => run?.startsWith(`pulumi ${command} --stack "\${{ matrix.stack }}"`));
        assert.equal(runs.length, 1);
        const cli = job.steps.find(({ uses }) => uses?.startsWith('pulumi/actions@'));
        assert.deepEqual(cli?.with, { 'pulumi-version-file': '.pulumi.version' });
        for (const stack of job.strategy.matrix.stack)
          assert.ok(existsSync(new URL(`Pulumi.${stack}.yaml`, root)), stack);
      });

      it('needs no more than the documentation tells', async () => {
        const documentation = await textOf('infra/README.md');
        const names = new Set([...text.matchAll(/(?:secrets|vars)\.(\w+)/g)].map(([, name = '']) => name));
        for (const name of names) assert.ok(documentation.includes(`\`${name}\``), name);
        assert.ok(documentation.includes(`.github/workflows/${name}.yml`) || documentation.includes(`\`${name}.yml\``));
      });
    });
  }

  it('asks for tokens of its own and for no password', async () => {
    for (const name of ['preview', 'deploy', 'drift']) {
      const text = await textOf(`.github/workflows/${name}.yml`);
      assert.match(text, /id-token: write/);
      assert.doesNotMatch(text, /PULUMI_ACCESS_TOKEN|CLIENT_SECRET/);
    }
  });

  it('installs the Pulumi that the program is written for', async () => {
    const { version } = JSON.parse(await textOf('node_modules/@pulumi/pulumi/package.json')) as { version: string };
    assert.equal((await textOf('.pulumi.version')).trim(), version);
  });

  it('previews and deploys after the tests, with every Node that the project supports', async () => {
    for (const [name, after] of [
      ['preview', 'preview'],
      ['deploy', 'up'],
    ] as const) {
      const { jobs } = parse(await textOf(`.github/workflows/${name}.yml`)) as { jobs: Record<string, Needs> };
      assert.equal(jobs.test?.uses, './.github/workflows/test.yml');
      assert.equal(jobs[after]?.needs, 'test');
    }
    const tests = parse(await textOf('.github/workflows/test.yml')) as { jobs: Record<string, Tests> };
    const { engines, scripts } = JSON.parse(await textOf('package.json')) as {
      engines: { node: string };
      scripts: Record<string, string>;
    };
    const nodes = tests.jobs.test?.strategy?.matrix.node ?? [];
    assert.ok(nodes.length > 1 && engines.node.startsWith(`>=${String(nodes[0])}.`), 'the oldest one is tried');
    for (const suite of tests.jobs.long?.strategy?.matrix.suite ?? []) assert.ok(scripts[`test:${suite}`], suite);
  });

  it('of pull requests fails where volumes would be lost, by the check that is told of', async () => {
    const check = 'npx tsx infra/check-preview.ts';
    assert.ok((await textOf('.github/workflows/preview.yml')).includes(check));
    assert.ok((await textOf('infra/examples/gitlab/.gitlab-ci.yml')).includes(check));
    assert.ok((await textOf('infra/README.md')).includes(check));
    assert.ok(existsSync(new URL('infra/check-preview.ts', root)));
  });
});
