import assert from 'node:assert/strict';
import { parseConfig, type Settings } from '@dpr/infra/config';
import { formerSizes, planKubernetes, removedSets, returnProblems, volumeFacts, volumeProblems } from '@dpr/infra/plan';
import { sameQuantity } from '../../infra/plan/quantity.ts';

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

  it('is none where the same size is written otherwise, which is then deployed as it was written before', () => {
    const written = {
      workers: [
        { id: 0, storage: '10240Mi' },
        { id: 1, storage: '10Gi' },
      ],
      finder: { storage: '10737418240' },
    };
    assert.deepEqual(problems({}, written), []);
    assert.deepEqual(problems({}, { workers: [{ id: 0, storage: '10241Mi' }, { id: 1 }] }).length, 1);
    assert.deepEqual(
      [...formerSizes(volumeFacts(planKubernetes(config({}))), planKubernetes(config(written)))],
      [
        ['dpr-finder', '10Gi'],
        ['counter-0', '10Gi'],
      ],
    );
  });

  for (const [fact, words] of [
    ['claim', "claim's name"],
    ['accessMode', 'access mode'],
    ['directory', 'directory on the volume'],
  ] as const) {
    it(`means the ${words} too, where the last deployment told it`, () => {
      const plan = planKubernetes(config({}));
      const { 'counter-1': facts, ...others } = volumeFacts(plan);
      assert.ok(facts);
      const [first, ...more] = volumeProblems({ ...others, 'counter-1': { ...facts, [fact]: 'other' } }, plan, []);
      assert.match(
        first?.text ?? '',
        new RegExp(`^change the ${words} from other to \\w+ of worker 1, and Kubernetes does not`),
      );
      assert.deepEqual(more, []);
    });
  }

  it('is none to a record of before these were told', () => {
    const old = { size: '10Gi', storageClass: null, keep: true };
    const plan = planKubernetes(config({}));
    assert.deepEqual(volumeProblems({ 'dpr-finder': old, 'counter-0': old, 'counter-1': old }, plan, []), []);
  });

  it('is allowed for all where that is asked for', () => {
    const all = {
      workers: [
        { id: 0, storage: '20Gi' },
        { id: 1, storage: '20Gi' },
      ],
      finder: { storage: '1Gi' },
    };
    assert.equal(problems({}, all).length, 3);
    assert.deepEqual(problems({}, { ...all, replace: ['all'] }), []);
  });
});

describe('a removed worker that is added again', () => {
  const facts = (settings: object) => volumeFacts(planKubernetes(config(settings)));
  const two = { workers: [{ id: 0 }, { id: 1 }] };
  const one = { workers: [{ id: 0 }] };

  function problemsOf(removed: readonly string[], settings: object): string[] {
    const next = config(settings);
    return returnProblems(removed, planKubernetes(next), next).map(({ text }) => text);
  }

  it('is remembered from the deployment that removes it, for as long as it is away', () => {
    const removed = removedSets(facts(two), [], planKubernetes(config(one)));
    assert.deepEqual(removed, ['counter-1']);
    assert.deepEqual(removedSets(facts(one), removed, planKubernetes(config(one))), ['counter-1']);
    assert.deepEqual(removedSets(facts(one), removed, planKubernetes(config(two))), []);
    assert.deepEqual(removedSets(facts({ ...two, keepVolumes: false }), [], planKubernetes(config(one))), []);
  });

  it('needs the word that says with which state', () => {
    const [problem, ...more] = problemsOf(['counter-1'], two);
    assert.match(problem ?? '', /worker 1 again, which was removed .* state: kept .* state: empty/);
    assert.deepEqual(more, []);
    for (const state of ['kept', 'empty', 3]) {
      assert.deepEqual(problemsOf(['counter-1'], { workers: [{ id: 0 }, { id: 1, state }] }), []);
    }
    assert.deepEqual(problemsOf([], two), []);
    assert.deepEqual(problemsOf(['counter-1'], { ...two, replace: ['all'] }), []);
  });
});

describe('quantities', () => {
  it('are the same when they are the same amount, to the last bit', () => {
    for (const [a, b] of [
      ['10Gi', '10240Mi'],
      ['0.5Gi', '512Mi'],
      ['1e3', '1k'],
      ['1500m', '1.5'],
      ['.5', '500m'],
      ['1E', '1e18'],
      ['+1Ki', '1024'],
      ['1000000n', '1m'],
    ] as const) {
      assert.ok(sameQuantity(a, b) && sameQuantity(b, a), `${a} ${b}`);
    }
    for (const [a, b] of [
      ['10Gi', '10G'],
      ['10Gi', '10737418241'],
      ['1Ei', '1152921504606846977'],
      ['1m', '1M'],
    ] as const) {
      assert.ok(!sameQuantity(a, b) && !sameQuantity(b, a), `${a} ${b}`);
    }
  });
});
