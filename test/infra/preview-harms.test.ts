import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { harms } from '../../infra/preview-harms.ts';

const step = (op: string, type: string, name: string, replaceReasons?: string[]) => ({
  op,
  urn: `urn:pulumi:dev::dpr-cluster::dpr:index:DprCluster$kubernetes:${type}::${name}`,
  ...(replaceReasons === undefined ? {} : { replaceReasons }),
});
const harmsOf = (...steps: object[]) => harms(JSON.stringify({ steps }));

describe('the check of a preview', () => {
  it('has nothing against workers that come and go, nor against what every change replaces', () => {
    assert.deepEqual(
      harmsOf(
        step('create', 'apps/v1:StatefulSet', 'dpr-counter-2-set'),
        step('delete', 'apps/v1:StatefulSet', 'dpr-counter-1-set'),
        step('update', 'apps/v1:StatefulSet', 'dpr-counter-0-set'),
        step('replace', 'batch/v1:Job', 'dpr-membership-job'),
      ),
      [],
    );
  });

  it('names each worker that would be made anew, once, with the reason', () => {
    const type = 'apps/v1:StatefulSet';
    assert.deepEqual(
      harmsOf(
        step('delete-replaced', type, 'dpr-counter-0-set', ['spec.serviceName']),
        step('replace', type, 'dpr-counter-0-set', ['spec.serviceName']),
        step('create-replacement', type, 'dpr-counter-0-set', ['spec.serviceName']),
      ),
      ['StatefulSet dpr-counter-0-set would be made anew, because of spec.serviceName'],
    );
  });

  it('names sets whose volumes go with them', () => {
    const gone = step('delete', 'apps/v1:StatefulSet', 'dpr-counter-1-set');
    const made = (whenDeleted: string) => ({
      ...gone,
      oldState: { inputs: { spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted } } } },
    });
    assert.deepEqual(harmsOf(made('Retain')), []);
    const policy = { persistentVolumeClaimRetentionPolicy: 'Keep' };
    for (const lossy of [made('Delete'), made('[unknown]'), { ...gone, oldState: { inputs: { spec: policy } } }])
      assert.deepEqual(harmsOf(lossy), ['StatefulSet dpr-counter-1-set would be deleted, and its volume with it']);
    assert.deepEqual(harmsOf(gone), []);
  });

  it('names volumes and namespaces that would be deleted', () => {
    assert.deepEqual(
      harmsOf(step('delete', 'core/v1:PersistentVolumeClaim', 'data'), step('delete', 'core/v1:Namespace', 'dpr')),
      [
        'PersistentVolumeClaim data would be deleted, with all that it holds',
        'Namespace dpr would be deleted, with all that it holds',
      ],
    );
  });

  it('knows a namespace that Pulumi lets go of and leaves where it is, as with createNamespace false', () => {
    const gone = step('delete', 'core/v1:Namespace', 'dpr-namespace');
    assert.deepEqual(harmsOf({ ...gone, oldState: { retainOnDelete: true } }), []);
    assert.equal(harmsOf({ ...gone, oldState: {} }).length, 1);
    const anew = step('replace', 'core/v1:Namespace', 'dpr-namespace', ['metadata.name']);
    assert.equal(harmsOf({ ...anew, oldState: { retainOnDelete: true } }).length, 1);
  });

  it('does not take anything else for a preview', () => {
    assert.throws(() => harms('{}'), /it has no steps/);
    assert.throws(() => harms('error: no stack'), /it is no JSON/);
    assert.throws(() => harms('[]'), /it has no steps/);
    const set = step('delete', 'apps/v1:StatefulSet', 'dpr-counter-1-set');
    assert.throws(
      () => harmsOf(set, { op: 'delete' }),
      /it has an unknown steps\.1\.urn\. Use the Pulumi of package\.json/,
    );
    assert.throws(() => harmsOf({ ...set, oldState: { inputs: 'x' } }), /it has an unknown steps\.0\.oldState\.inputs/);
  });

  it('is a program that fails with a line for each harm', () => {
    const check = (input: string, ...stack: string[]) => {
      const words = ['--import', 'tsx', 'infra/check-preview.ts', ...stack];
      const { status, stdout, stderr } = spawnSync(process.execPath, words, { input, encoding: 'utf8' });
      return [status, stderr, ...(stdout === '' ? [] : [stdout])];
    };
    const steps = [step('delete', 'core/v1:Namespace', 'dpr')];
    assert.deepEqual(check('{ "steps": [] }'), [0, '']);
    assert.deepEqual(check(JSON.stringify({ steps })), [1, 'Namespace dpr would be deleted, with all that it holds\n']);
    assert.deepEqual(check('{ "steps": [] }', 'dev'), [0, '', '### dev: no change\n']);
    assert.deepEqual(check('\n'), [
      1,
      'this is not what "pulumi preview --json" prints: it is empty. Did the preview fail?\n',
    ]);
  });
});
