import assert from 'node:assert/strict';
import { ConfigError } from '@dpr/infra/config';
import { parseStackText, readStackFile, stackFileName } from '@dpr/infra/stack-file';

const message = (expected: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof ConfigError);
  if (typeof expected === 'string') assert.equal(error.message, expected);
  else assert.match(error.message, expected);
  return true;
};

describe("a stack's file", () => {
  it('of the development stack has two counters, beside the Finder on 6379', async () => {
    const config = await readStackFile(stackFileName('dev'), 'local');
    assert.equal(config.basePort, 6379);
    assert.deepEqual(
      config.workers.map(({ id, type }) => ({ id, type })),
      [
        { id: 0, type: 'counter' },
        { id: 1, type: 'counter' },
      ],
    );
  });

  it('may hold the settings of others, which are left alone', () => {
    const text = 'config:\n  kubernetes:context: kind\n  azure-native:location: x\n  dpr:workers: [{ id: 5 }]\n';
    assert.equal(parseStackText(text, 'Pulumi.x.yaml', 'local').workers[0]?.id, 5);
  });

  it('means the same after "pulumi config set", which makes texts of its numbers', () => {
    const text =
      'config:\n  dpr:basePort: "7000"\n  dpr:keepVolumes: "false"\n  dpr:namespace: "dpr"\n  dpr:workers: []\n';
    const { basePort, keepVolumes, namespace } = parseStackText(text, 'Pulumi.x.yaml', 'local');
    assert.deepEqual({ basePort, keepVolumes, namespace }, { basePort: 7000, keepVolumes: false, namespace: 'dpr' });
  });

  it('that is not YAML is refused with the place', () => {
    assert.throws(
      () => parseStackText('config:\n  dpr:workers: [{ id: 0 }\n', 'Pulumi.x.yaml', 'local'),
      message(/^Pulumi\.x\.yaml is not YAML: .* at line 3, column 1/),
    );
  });

  it('that refers to what it does not define is refused', () => {
    const text = 'config:\n  dpr:workers: *workers\n';
    assert.throws(
      () => parseStackText(text, 'Pulumi.x.yaml', 'local'),
      message(/^Pulumi\.x\.yaml is not YAML: .*workers/),
    );
  });

  for (const [what, text] of [
    ['is empty', ''],
    ['has no config', 'encryptionsalt: v1\n'],
    ['has a list for a config', 'config: [1]\n'],
  ] as const) {
    it(`that ${what} is refused`, () => {
      const expected = 'Pulumi.x.yaml has no "config:" with keys such as "dpr:workers" in it: add them';
      assert.throws(() => parseStackText(text, 'Pulumi.x.yaml', 'local'), message(expected));
    });
  }

  it('that does not exist is refused by name', async () => {
    await assert.rejects(
      readStackFile('Pulumi.none.yaml', 'local'),
      message(/^Pulumi\.none\.yaml does not exist: name another stack or file/),
    );
  });

  it('whose secret only Pulumi can read takes it from whoever knows it', () => {
    const text = 'config:\n  dpr:controlToken: { secure: v1:abc }\n  dpr:workers: []\n';
    const hint =
      'dpr:controlToken is encrypted in Pulumi.x.yaml, for Pulumi only: set it in the environment, as DPR_CONTROL_TOKEN';
    assert.throws(() => parseStackText(text, 'Pulumi.x.yaml', 'local'), message(hint));
    const known = { controlToken: 'a-token-of-some-length', clientToken: undefined };
    assert.equal(parseStackText(text, 'Pulumi.x.yaml', 'local', known).controlToken, known.controlToken);
  });
});
