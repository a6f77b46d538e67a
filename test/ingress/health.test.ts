import assert from 'node:assert/strict';
import { notReady, watchState } from '../../services/ingress/health.ts';
import { ingressMetrics } from '../../services/ingress/metrics.ts';

describe('the health of the ingress', () => {
  it('is good where NGINX serves anything, and not where no port leads anywhere', () => {
    const unknown = ['counter-0'];
    const refused = { version: 'a', reason: '[emerg] no' };
    assert.equal(notReady({ routes: 0 }), 'NGINX does not serve yet');
    assert.equal(notReady({ routes: 2, refused }), 'NGINX refuses its configuration: [emerg] no');
    assert.equal(notReady({ serving: 'a', routes: 0, unknown }), 'no address is found for any Service');
    assert.equal(notReady({ serving: 'a', routes: 1, unknown }), undefined);
    assert.equal(notReady({ serving: 'a', routes: 2, refused: { ...refused, version: 'b' } }), undefined);
    assert.equal(notReady({ serving: 'a', routes: 0 }), undefined, 'a cluster may have no worker');
  });

  it('says that the watch fails once for each reason, and how often when that is over', () => {
    const said: object[] = [];
    const log = (line: object) => void said.push(line);
    const { failed, established, now } = watchState({ info: log, warn: log });
    established();
    for (const reason of ['away', 'away', 'silent']) failed(reason);
    assert.deepEqual(now(), { failures: 3, reason: 'silent' });
    established();
    failed('away');
    assert.deepEqual(said, [
      { event: 'watchFailed', reason: 'away' },
      { event: 'watchFailed', reason: 'silent' },
      { event: 'watchEstablished', failures: 3 },
      { event: 'watchFailed', reason: 'away' },
    ]);
    assert.deepEqual(now(), { failures: 4, reason: 'away' });
  });

  it('is told by metrics', async () => {
    const report = { serving: 'a', routes: 3, closed: { 80: 'no' }, unknown: ['counter-0', 'counter-1'] };
    const text = await ingressMetrics(
      () => report,
      () => ({ failures: 4, reason: 'away' }),
    ).metrics();
    const values = text.split('\n').filter((line) => line.startsWith('dpr_ingress_'));
    assert.deepEqual(values, [
      'dpr_ingress_info{configuration="a"} 1',
      'dpr_ingress_serving 1',
      'dpr_ingress_refused 0',
      'dpr_ingress_routes 3',
      'dpr_ingress_unknown_services 2',
      'dpr_ingress_closed_ports 1',
      'dpr_ingress_watch_failing 1',
      'dpr_ingress_watch_failures_total 4',
    ]);
  });
});
