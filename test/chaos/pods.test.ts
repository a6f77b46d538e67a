import assert from 'node:assert/strict';
import { TargetError } from '@dpr/chaos';
import type { Kubectl } from '../../services/chaos/kubectl.ts';
import { guardNamespace, podsOf, type Pod } from '../../services/chaos/pods.ts';

const POD = {
  metadata: {
    name: 'counter-0-0',
    uid: 'first',
    labels: { 'app.kubernetes.io/component': 'worker', 'app.kubernetes.io/instance': 'counter-0' },
  },
  status: {
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: 'worker', containerID: 'c' }],
  },
};
const list = (...items: unknown[]) => JSON.stringify({ metadata: { resourceVersion: '7' }, items });
const REMEDY = 'See what kubectl prints by itself, and that it is a kubectl of Kubernetes 1.29 or later';

/** A kubectl that prints this list, and these lines of the watch as later events do: outside of any call. */
function printing(listed: string, ...lines: readonly string[]): Kubectl {
  return (words, { signal, output } = {}) => {
    if (!words.join(' ').includes('watch=1')) return Promise.resolve(listed);
    return new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      setImmediate(() => {
        for (const line of lines) output?.(line);
      });
    });
  };
}

describe('the pods that kubectl prints', () => {
  const patience = () => AbortSignal.timeout(60_000);
  const refusal = (what: string, problem: string) =>
    new TargetError(`${what} that kubectl printed cannot be used: ${problem}. ${REMEDY}`);

  it('are named by the key that does not fit, and what to do', async () => {
    const unlabelled = { ...POD, metadata: { name: 'counter-0-0', uid: 'first' } };
    const wrong: [string, string][] = [
      ['', 'it is empty'],
      ['Unable to connect', 'it is no JSON, and begins with "Unable to connect"'],
      ['{"items":[]}', 'metadata is missing'],
      [list(POD, unlabelled), 'items[1].metadata.labels is missing'],
      [list({ ...POD, status: { conditions: {} } }), 'items[0].status.conditions is an object and not an array'],
    ];
    for (const [text, problem] of wrong) {
      await assert.rejects(podsOf(printing(text), 'dpr').list(), refusal('the list of pods', problem));
    }
    await assert.rejects(guardNamespace(printing('{}'), 'dpr'), refusal('the namespace dpr', 'metadata is missing'));
  });

  it('are waited for by the changes of pods; an event about anything else is none', async () => {
    const second = { ...POD, metadata: { ...POD.metadata, uid: 'second' } };
    const lines = [
      { type: 'ERROR', object: { message: 'too old' } },
      { type: 'DELETED', object: second },
      { type: 'MODIFIED', object: second },
    ];
    const run = printing(list(POD), ...lines.map((line) => JSON.stringify(line)));
    const found: Pod = await podsOf(run, 'dpr').until(({ uid }) => uid === 'second', patience());
    assert.deepEqual([found.pod, found.uid, found.ready], ['counter-0-0', 'second', true]);
  });

  it('end the wait when a change is no change of a pod', async () => {
    const wrong: [string, string][] = [
      ['<html>', 'it is no JSON, and begins with "<html>"'],
      ['{"type":"ADDED","object":{}}', 'object.metadata is missing, object.status is missing'],
    ];
    for (const [line, problem] of wrong) {
      const waiting = podsOf(printing(list(), line), 'dpr').until(() => true, patience());
      await assert.rejects(waiting, refusal('a change of a pod', problem));
    }
  });
});
