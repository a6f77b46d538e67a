import assert from 'node:assert/strict';
import { lastDeployment } from '../../infra/last-deployment.ts';

const VOLUME = { size: '10Gi', storageClass: null, keep: true };
const PLACE = { namespace: 'dpr', made: true, keep: true, uid: 'a-uid', azureLocation: null };
const NOTHING = { volumes: undefined, removed: undefined, place: undefined, defaults: undefined };

describe('what the stack told of its last deployment', () => {
  it('is nothing where nothing was deployed, or not to the namespace', () => {
    const nothing = { volumes: {}, removed: [], place: undefined, defaults: 2 };
    assert.deepEqual(lastDeployment(NOTHING), nothing);
    for (const uid of [undefined, null, '']) {
      assert.deepEqual(lastDeployment({ ...NOTHING, place: { ...PLACE, uid } }), nothing);
    }
  });

  it('may be a record of before the claim of a volume was told', () => {
    const whole = { ...VOLUME, claim: 'data', accessMode: 'ReadWriteOnce', directory: '/data' };
    const told = {
      volumes: { 'counter-0': VOLUME, 'counter-1': whole },
      removed: ['counter-2'],
      place: PLACE,
      defaults: 1,
    };
    assert.deepEqual(lastDeployment(told), told);
  });

  it('keeps a stack to the defaults that it was made with, of which the first told nothing', () => {
    const volumes = { 'counter-0': VOLUME };
    const defaults = (outputs: object) => lastDeployment({ ...NOTHING, ...outputs }).defaults;
    assert.equal(defaults({ volumes, place: PLACE }), 1);
    assert.equal(defaults({ volumes }), 1);
    assert.equal(defaults({ volumes, place: PLACE, defaults: 2 }), 2);
    // An update of some resources alone tells of all, before there is anything in the namespace.
    assert.equal(defaults({ volumes, place: { ...PLACE, uid: '' } }), 2);
    assert.equal(defaults({}), 2);
  });

  const wrong: [object, string][] = [
    [{ volumes: [] }, 'volumes'],
    [{ volumes: { 'counter-0': { ...VOLUME, keep: 'yes' } } }, 'volumes.counter-0.keep'],
    [{ volumes: { 'counter-0': { ...VOLUME, claim: 7 } } }, 'volumes.counter-0.claim'],
    [{ removed: ['counter-2', 3] }, 'removed.1'],
    [{ place: { ...PLACE, keep: undefined } }, 'place.keep'],
    [{ place: 'dpr' }, 'place'],
    [{ defaults: 'new' }, 'defaults'],
  ];
  for (const [outputs, key] of wrong) {
    it(`stops a deployment when ${key} is not what this version writes`, () => {
      assert.throws(() => lastDeployment({ ...NOTHING, ...outputs }), {
        name: 'ConfigError',
        message:
          `the stack's output ${key} is not as this version writes it, so what it says of volumes cannot be kept to: ` +
          'deploy with the version that wrote it, or correct it by "pulumi stack export" and "pulumi stack import"',
      });
    });
  }
});
