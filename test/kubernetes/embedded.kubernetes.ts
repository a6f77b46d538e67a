import assert from 'node:assert/strict';
import { changes, deployments, type Deployments } from './deployments.ts';

describe('a program that embeds a cluster', function () {
  this.timeout(300_000);
  let deployed: Deployments;

  before(async () => (deployed = await deployments({ program: 'infra/examples/embedded' })));
  after(() => (deployed as Deployments | undefined)?.end());

  it('is previewed with the cluster in it', async () => {
    await deployed.configure({}, { controlToken: 'a-control-token-of-a-test' });
    const changed = changes(await deployed.preview());
    assert.ok(Object.values(changed).every((operation) => operation === 'create'));
    for (const name of ['orders', 'orders-finder-set', 'orders-counter-1-set', 'orders-membership-job']) {
      assert.ok(name in changed, name);
    }
  });
});
