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
  it('of the development stack has two counters and a store, beside the Finder on 6379', async () => {
    const config = await readStackFile(stackFileName('dev'), 'local');
    assert.equal(config.basePort, 6379);
    assert.equal(config.respBasePort, 6500);
    assert.deepEqual(
      config.workers.map(({ id, type }) => ({ id, type })),
      [
        { id: 0, type: 'counter' },
        { id: 1, type: 'counter' },
        { id: 2, type: 'store' },
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

  it('that has several documents is told that it may have one', () => {
    assert.throws(
      () => parseStackText('config:\n  dpr:workers: []\n---\nconfig: {}\n', 'Pulumi.x.yaml', 'local'),
      message('Pulumi.x.yaml has several documents, and only one is read: remove the "---" at line 3'),
    );
  });

  it('may say things once, by anchors, aliases and merge keys', () => {
    const text = [
      'x-large: &large { storage: 200Gi, checkpointIntervalMs: 50 }',
      'config:',
      '  dpr:workers:',
      '    - { id: 0, <<: *large }',
      '    - &quick',
      '      <<: *large',
      '      checkpointIntervalMs: 10',
      '      id: 1',
      '    - { <<: [{ storage: 1Gi }, *quick], id: 2 }',
      '',
    ].join('\n');
    const { workers } = parseStackText(text, 'Pulumi.x.yaml', 'local');
    assert.deepEqual(
      workers.map(({ id, storage, checkpointIntervalMs }) => [id, storage, checkpointIntervalMs]),
      [
        [0, '200Gi', 50],
        [1, '200Gi', 10],
        [2, '1Gi', 10],
      ],
    );
    assert.throws(
      () => parseStackText(`${text}    - { <<: *large, idd: 3 }\n`, 'Pulumi.x.yaml', 'local'),
      message(/^dpr:workers\[3\]\.id is missing.*\ndpr:workers\[3\].idd is not a key that exists: did you mean id\?$/),
    );
    assert.throws(
      () => parseStackText(`${text}    - { <<: *large, id: 3\n`, 'Pulumi.x.yaml', 'local'),
      message(/^Pulumi\.x\.yaml is not YAML: .* at line 11, column 1/),
    );
  });

  for (const [what, value, place] of [
    ['an anchor that it does not define', '*workers', 'line 3, column 16'],
    ['an anchor that it defines later', '[*late, &late { id: 0 }]', 'line 3, column 17'],
    ['a list to merge', '[{ <<: [1] }]', 'line 3, column 19'],
    ['a number to merge', '[{ id: 0 }, { <<: 7 }]', 'line 3, column 30'],
  ] as const) {
    it(`that refers to ${what} is refused with the place`, () => {
      assert.throws(
        () => parseStackText(`# a\nconfig:\n  dpr:workers: ${value}\n`, 'Pulumi.x.yaml', 'local'),
        message(new RegExp(`^Pulumi\\.x\\.yaml is not YAML: .* at ${place}$`)),
      );
    });
  }

  for (const [text, expected] of [
    [
      'dpr:finder: {}',
      'dpr:finder stands outside "config:", where nothing reads it: indent it below "config:", as dpr:finder',
    ],
    [
      'workers: []',
      'workers stands outside "config:", where nothing reads it: indent it below "config:", as dpr:workers',
    ],
    [
      'Dpr:worker: []',
      'Dpr:worker stands outside "config:", where nothing reads it: indent it below "config:", as dpr:workers',
    ],
    [
      'dpr: { finder: {} }',
      'dpr stands outside "config:", where nothing reads it: write each key below it with that prefix below "config:", such as dpr:workers',
    ],
    ['  finder: {}', 'finder is not read, for lack of the prefix "dpr:": write dpr:finder'],
    ['  FINDER: {}', 'FINDER is not read, for lack of the prefix "dpr:": write dpr:finder'],
    ['  drp:finder: {}', 'drp:finder is not read, for lack of the prefix "dpr:": write dpr:finder'],
    ['  dpr.finder: {}', 'dpr.finder is not read, for lack of the prefix "dpr:": write dpr:finder'],
    ['  dpr-cluster:finder: {}', 'dpr-cluster:finder is not read, for lack of the prefix "dpr:": write dpr:finder'],
    ['  DPR:finder: {}', 'DPR:finder is not read, for lack of the prefix "dpr:": write dpr:finder'],
    [
      '  dpr: { finder: {} }',
      'dpr is not read, for lack of the prefix "dpr:": write each key below it with that prefix below "config:", such as dpr:workers',
    ],
  ] as const) {
    it(`that says "${text}" beside its config is told where that belongs`, () => {
      const written = `config:\n  dpr:workers: []\n${text}\n`;
      assert.throws(() => parseStackText(written, 'Pulumi.x.yaml', 'local'), message(`Pulumi.x.yaml: ${expected}`));
    });
  }

  it('whose keys are all outside "config:" is told so, rather than that there is none', () => {
    assert.throws(
      () => parseStackText('dpr:workers: []\n', 'Pulumi.x.yaml', 'local'),
      message(/^Pulumi\.x\.yaml: dpr:workers stands outside "config:"/),
    );
  });

  it("may have Pulumi's own keys, and others that look like nothing of ours", () => {
    const own = 'secretsprovider: x\nencryptedkey: x\nencryptionsalt: x\nenvironment: [x]\nx-anchors: {}\n';
    const text = `${own}config:\n  aws:region: x\n  gcp:project: x\n  other:workers: x\n  dpr:workers: []\n`;
    assert.deepEqual(parseStackText(text, 'Pulumi.x.yaml', 'local').workers, []);
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

  it('whose secret only Pulumi can read takes it from a program that knows it', () => {
    const text = 'config:\n  dpr:controlToken: { secure: v1:abc }\n  dpr:workers: []\n';
    const hint =
      'dpr:controlToken is encrypted in Pulumi.x.yaml, for Pulumi only: set it in the environment, as DPR_CONTROL_TOKEN';
    assert.throws(() => parseStackText(text, 'Pulumi.x.yaml', 'local'), message(hint));
    const known = { controlToken: 'a-token-of-some-length', clientToken: undefined };
    assert.equal(parseStackText(text, 'Pulumi.x.yaml', 'local', known).controlToken, known.controlToken);
  });
});
