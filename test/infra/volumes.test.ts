import assert from 'node:assert/strict';
import { parseConfig, type Settings } from '@dpr/infra/config';
import { planKubernetes, volumeFacts, volumeProblems } from '@dpr/infra/plan';

const config = (settings: Partial<Settings>) =>
  parseConfig({ workers: [{ id: 0 }, { id: 1 }], ...settings }, 'kubernetes');

/** What is said of a change from one configuration to another. */
function problems(before: Partial<Settings>, after: Partial<Settings>): string[] {
  const next = config(after);
  const found = volumeProblems(volumeFacts(planKubernetes(config(before))), planKubernetes(next), next.replace);
  return found.map(({ key, text }) => `${key} ${text}`);
}

const BIGGER = { workers: [{ id: 0 }, { id: 1, storage: '20Gi' }] };
const HOW =
  'and Kubernetes does not change that of a StatefulSet: change the claim data-counter-1-0 itself, if its class allows it, ' +
  'and add 1 to dpr:replace to have the set made anew around its volume';

describe('a change of volumes', () => {
  it('is refused, with the way to do it', () => {
    assert.deepEqual(problems({}, BIGGER), [`dpr:workers change the storage from 10Gi to 20Gi of worker 1, ${HOW}`]);
    const fast = { workers: [{ id: 0 }, { id: 1, storageClass: 'fast' }] };
    assert.deepEqual(problems({}, fast), [
      `dpr:workers change the storage class from the default to fast of worker 1, ${HOW}`,
    ]);
  });

  it('is allowed where asked for, by worker', () => {
    assert.deepEqual(problems({}, { ...BIGGER, replace: [1] }), []);
    assert.equal(problems({}, { ...BIGGER, replace: [0] }).length, 1);
  });

  it('is refused even then where the volume would be lost', () => {
    assert.deepEqual(problems({ keepVolumes: false }, { ...BIGGER, replace: [1] }), [
      'dpr:workers change the storage from 10Gi to 20Gi of worker 1, which would delete its volume: deploy with dpr:keepVolumes true first',
    ]);
  });

  it('means the Finder too', () => {
    const found = problems({}, { finder: { storage: '1Gi' } });
    assert.match(
      found.join(),
      /^dpr:finder change the storage from 10Gi to 1Gi of the Finder, .* add "finder" to dpr:replace/,
    );
    assert.deepEqual(problems({}, { finder: { storage: '1Gi' }, replace: ['finder'] }), []);
  });

  it('means an id that goes to a worker of another type, which cannot take over the state', () => {
    const set = { type: 'set', image: 'set:1', mountPath: '/set', listenPort: 9000 };
    assert.deepEqual(problems({}, { workers: [{ id: 0 }, { id: 1, ...set }], replace: [1] }), [
      'dpr:workers make a set of worker 1, which is a counter, and its state is of no use to a set: ' +
        'choose another id, or deploy without worker 1 first',
    ]);
    assert.deepEqual(problems({ workers: [{ id: 0 }] }, { workers: [{ id: 0 }, { id: 1, ...set }] }), []);
    assert.deepEqual(problems({}, { workers: [{ id: 0 }, { id: 1 }, { id: 11, ...set }] }), []);
  });

  it('is none when workers come and go, or change anything else', () => {
    assert.deepEqual(
      problems(
        {},
        {
          workers: [
            { id: 1, port: 7000, mountPath: '/d' },
            { id: 2, storage: '1Gi' },
          ],
        },
      ),
      [],
    );
  });
});
