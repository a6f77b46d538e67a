import assert from 'node:assert/strict';
import { parseConfig, type Settings } from '@dpr/infra/config';
import { placeFacts, placeProblems, strangerProblems } from '@dpr/infra/plan';

const UID = 'a-uid';
const config = (settings: Partial<Settings>) => parseConfig({ workers: [{ id: 0 }], ...settings }, 'kubernetes');
const placeOf = (settings: Partial<Settings>) => ({ ...placeFacts(config(settings)), uid: UID });
const said = (problems: readonly { readonly key: string; readonly text: string }[]) =>
  problems.map(({ key, text }) => `${key} ${text}`);
/** What is said of a change from one configuration to another. */
const problems = (before: Partial<Settings>, after: Partial<Settings>) =>
  said(placeProblems(placeOf(before), config(after)));
const azure = (location: string) => ({ azure: { location } });

describe('a change of where all volumes are', () => {
  it('is refused, with the ways to have it', () => {
    const how =
      'where every volume would be new and empty: a cluster elsewhere is a stack of its own (pulumi stack init). ' +
      'To start anew without what the volumes hold, add "all" to dpr:replace';
    for (const createNamespace of [true, false]) {
      assert.deepEqual(problems({ createNamespace }, { createNamespace, namespace: 'other' }), [
        `dpr:namespace change the namespace from dpr to other, ${how}`,
      ]);
    }
    assert.deepEqual(problems(azure('westeurope'), azure('northeurope')), [
      `dpr:azure change the location from westeurope to northeurope, ${how}`,
    ]);
    assert.deepEqual(problems({}, azure('northeurope')), [
      `dpr:azure change the location from none to northeurope, ${how}`,
    ]);
    assert.equal(problems(azure('northeurope'), { namespace: 'other' }).length, 2);
    assert.deepEqual(problems({}, { namespace: 'other', replace: ['all'] }), []);
  });

  it('is refused even then where every volume would be deleted', () => {
    const gone = 'which would delete every volume: deploy with dpr:keepVolumes true first';
    for (const after of [{}, { keepVolumes: true }, { replace: ['all' as const] }, { createNamespace: false }]) {
      assert.deepEqual(problems({ keepVolumes: false }, { namespace: 'other', ...after }), [
        `dpr:namespace change the namespace from dpr to other, ${gone}`,
      ]);
    }
  });

  it('is also a namespace that is let go of, and would be deleted', () => {
    const gone = [
      'dpr:createNamespace would delete the namespace dpr, with every volume in it: deploy with dpr:keepVolumes true first',
    ];
    for (const keepVolumes of [true, false]) {
      assert.deepEqual(problems({ keepVolumes: false }, { createNamespace: false, keepVolumes }), gone);
      assert.deepEqual(problems({ keepVolumes: true }, { createNamespace: false, keepVolumes }), []);
    }
    assert.deepEqual(problems({ keepVolumes: false, createNamespace: false }, { createNamespace: false }), []);
  });

  it('is also a namespace of the same name that is not the same', () => {
    const stranger = (uid: string | undefined, settings: Partial<Settings> = {}) =>
      said(strangerProblems(placeOf({}), config(settings), uid));
    assert.deepEqual(stranger(UID), []);
    assert.match(
      stranger('another').join(),
      /^dpr:namespace is dpr, as before, and is another namespace \(another, not a-uid\), .*KUBECONFIG.*"all" to dpr:replace$/,
    );
    assert.deepEqual(stranger('another', { replace: ['all'] }), []);
    assert.deepEqual(stranger(undefined), [], 'before its Kubernetes cluster is made');
  });

  it('is none where nothing was told, or anything else changes', () => {
    assert.deepEqual(placeProblems(undefined, config({ namespace: 'other', createNamespace: false })), []);
    assert.deepEqual(strangerProblems(undefined, config({}), 'another'), []);
    assert.deepEqual(problems({}, { workers: [], keepVolumes: false, basePort: 7_000 }), []);
  });
});
