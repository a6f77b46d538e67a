import assert from 'node:assert/strict';
import { summary } from '../../infra/preview-summary.ts';

const resource = (types: string, name: string) => `urn:pulumi:dev::dpr-cluster::${types}::${name}`;
const WORKER = 'dpr:index:DprCluster$dpr:index:Worker$kubernetes:apps/v1:StatefulSet';
const FINDER = 'dpr:index:DprCluster$dpr:index:Finder$kubernetes:apps/v1:StatefulSet';

type Facts = { readonly image?: string; readonly keep?: boolean; readonly env?: Record<string, string> };

/** What a StatefulSet is made of, as far as it is read. */
function set(name: string, { image = 'counter:1', keep = true, env = {} }: Facts = {}) {
  const variables = Object.entries(env).map(([key, value]) => ({ name: key, value }));
  return {
    metadata: { name },
    spec: {
      persistentVolumeClaimRetentionPolicy: { whenDeleted: keep ? 'Retain' : 'Delete' },
      template: { spec: { containers: [{ name: 'worker', image, env: variables }] } },
      volumeClaimTemplates: [{ spec: { resources: { requests: { storage: '10Gi' } } } }],
    },
  };
}

function step(op: string, types: string, name: string, before?: object, after?: object) {
  return {
    ...{ op, urn: resource(types, name) },
    ...(before && { oldState: { inputs: before } }),
    ...(after && { newState: { inputs: after } }),
  };
}

const of = (...steps: object[]) => summary(JSON.stringify({ steps }), 'production').split('\n');

describe('the comment of a pull request', () => {
  it('says what happens to each process first, and what else changes', () => {
    const lines = of(
      step('same', 'pulumi:pulumi:Stack', 'dpr-cluster-production'),
      step('update', 'dpr:index:DprCluster$kubernetes:core/v1:ConfigMap', 'dpr-ingress-configuration'),
      step('update', WORKER, 'dpr-counter-0-set', set('counter-0'), set('counter-0', { image: 'counter:2' })),
      step('update', WORKER, 'dpr-counter-4-set', set('counter-4'), set('counter-4', { keep: false })),
      step('create', WORKER, 'dpr-counter-3-set', undefined, set('counter-3')),
      step('create', 'dpr:index:DprCluster$dpr:index:Worker$kubernetes:core/v1:Service', 'dpr-counter-3-service'),
      step('delete', WORKER, 'dpr-counter-1-set', set('counter-1')),
      step('replace', 'dpr:index:DprCluster$kubernetes:batch/v1:Job', 'dpr-membership-job'),
      step('create-replacement', 'dpr:index:DprCluster$kubernetes:batch/v1:Job', 'dpr-membership-job'),
    );
    assert.deepEqual(lines, [
      '### production: 1 added, 1 removed, 1 restarted, 1 changed',
      '',
      '| process | what happens |',
      '| --- | --- |',
      '| counter-3 | is added, with a volume of 10Gi |',
      '| counter-1 | leaves once what depends on it is committed; its volume stays |',
      '| counter-0 | restarts, cleanly: worker.image `counter:1` → `counter:2` |',
      '| counter-4 | goes on: persistentVolumeClaimRetentionPolicy.whenDeleted `Retain` → `Delete` |',
      '',
      'Rolled back: nothing. A process that stops on request writes and reports everything first.',
      '',
      'Besides: update ConfigMap `dpr-ingress-configuration`, replace Job `dpr-membership-job`.',
      '',
    ]);
  });

  it('tells four changes of a process and counts the rest, each by the name of what it stands in', () => {
    const env = (value: string) =>
      set('dpr-finder', { env: Object.fromEntries(['A', 'B', 'C', 'D', 'E'].map((key) => [key, value])) });
    const [, , , , row] = of(step('update', FINDER, 'dpr-finder-set', env('1'), env('2|`')));
    const change = (key: string) => `worker.env.${key}.value \`1\` → \`2\\|'\``;
    assert.equal(row, `| dpr-finder | restarts, cleanly: ${['A', 'B', 'C', 'D'].map(change).join(', ')}, 1 more |`);
  });

  it('says what the check refuses, and in its headline that it does', () => {
    const lines = of(step('delete', WORKER, 'dpr-counter-1-set', set('counter-1', { keep: false })), {
      ...step('replace', WORKER, 'dpr-counter-0-set', set('counter-0'), set('counter-0')),
      replaceReasons: ['spec.serviceName'],
    });
    assert.equal(lines[0], '### production: 1 made anew, 1 removed, refused');
    assert.ok(lines.includes('| counter-0 | is made anew: spec.serviceName |'));
    assert.ok(lines.includes('| counter-1 | leaves once what depends on it is committed; **its volume is deleted** |'));
    assert.deepEqual(
      lines.filter((line) => line.startsWith('**Refused')),
      [
        '**Refused: StatefulSet dpr-counter-1-set would be deleted, and its volume with it.**',
        '**Refused: StatefulSet dpr-counter-0-set would be made anew, because of spec.serviceName.**',
      ],
    );
  });

  it('is a line where nothing changes, and two where no process does', () => {
    assert.deepEqual(of(step('same', WORKER, 'dpr-counter-0-set')), ['### production: no change', '']);
    const others = Array.from({ length: 10 }, (_, index) => step('create', 'kubernetes:core/v1:Service', `s${index}`));
    const [headline, , besides] = of(...others);
    assert.equal(headline, '### production: no worker changes');
    assert.match(besides ?? '', /^Besides: create Service `s0`, .*, create Service `s7`, 2 more\.$/);
  });
});
