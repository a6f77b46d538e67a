/** A real Prometheus at a real cluster: alerts fire, and clear. */
import { makePlace, type Place, tearDown, until } from './harness.ts';
import { type Prometheus, promptRules, startPrometheus, targetsOf } from './prometheus.ts';

describe('alerts of a cluster that a Prometheus watches', () => {
  let place: Place;
  let prometheus: Prometheus | undefined;

  before(async () => {
    place = await makePlace();
    await place.start();
    const targets = targetsOf(place, ['dpr-finder', 'counter-0', 'counter-1']);
    prometheus = await startPrometheus(targets, promptRules());
  });
  after(() => prometheus?.end());
  after(tearDown);

  const firing = async (): Promise<readonly string[]> => (await prometheus?.firing()) ?? [];
  const worldLine = async (): Promise<number> =>
    Number((await prometheus?.query('dpr_finder_world_line'))?.[0]?.value[1]);

  const isQuiet = () => until('no alert', async () => (await firing()).length === 0);

  it('fire while the Finder stands still, and clear once it goes on', async () => {
    await isQuiet();
    place.kill('dpr-finder', 'SIGSTOP');
    await until('the alert', async () => (await firing()).includes('DprFinderDown'));
    place.kill('dpr-finder', 'SIGCONT');
    await isQuiet();
  });

  it('fire while a worker stands still, and clear once another process has taken its place', async () => {
    await isQuiet();
    const frozen = place.kill('counter-1', 'SIGSTOP');
    await until('the alert', async () => (await firing()).includes('DprWorkerSilent'));
    await place.processIs('counter-1', ({ phase, pid }) => phase === 'serving' && pid !== frozen);
    await isQuiet();
  });

  it('fire when the cluster rolls back again and again', async () => {
    for (let rollback = 0; rollback < 6; rollback++) {
      const before = await worldLine();
      const killed = place.kill('counter-1', 'SIGKILL');
      await place.processIs('counter-1', ({ phase, pid }) => phase === 'serving' && pid !== killed);
      await until('the world-line', async () => (await worldLine()) > before);
    }
    await until('the alert', async () => (await firing()).includes('DprManyRollbacks'));
  });
});
