import assert from 'node:assert/strict';
import { ingressConfiguration } from '../../infra/plan/ingress.ts';
import { createAddresses } from '../../services/ingress/addresses.ts';

const configuration = (...names: string[]) =>
  ingressConfiguration(
    names.map((name, index) => ({ name, port: 6379 + index, target: `${name}:7000` })),
    false,
  ).text;
const targets = (text: string) => Array.from(text.matchAll(/proxy_pass (\S+);/g), ([, target]) => target);

describe('the addresses of Services', () => {
  let dns: Record<string, string[]>;
  let asked: string[];

  const addresses = () =>
    createAddresses((name) => {
      asked.push(name);
      const found = dns[name];
      return found === undefined ? Promise.reject(new Error(`ENOTFOUND ${name}`)) : Promise.resolve(found);
    });

  beforeEach(() => {
    dns = { 'dpr-finder': ['10.0.0.1'], 'counter-0': ['10.0.0.2'], 'counter-1': ['fd00::3'] };
    asked = [];
  });

  it('stand in the place of names, and nothing else changes', async () => {
    const text = configuration('dpr-finder', 'counter-0', 'counter-1');
    const resolved = await addresses().resolve(text);
    assert.deepEqual(targets(resolved), ['10.0.0.1:7000', '10.0.0.2:7000', '[fd00::3]:7000']);
    const back = resolved.replace('10.0.0.1', 'dpr-finder').replace('10.0.0.2', 'counter-0');
    assert.equal(back.replace('[fd00::3]', 'counter-1'), text);
  });

  it('are looked up when their names are new, and after that only when it is time', async () => {
    const found = addresses();
    await found.resolve(configuration('counter-0'));
    await found.resolve(configuration('counter-0', 'counter-1'));
    await found.resolve(configuration('counter-0', 'counter-1'));
    assert.deepEqual(asked.splice(0), ['counter-0', 'counter-1']);
    await found.refresh();
    assert.deepEqual(asked.splice(0), ['counter-0', 'counter-1']);
    await found.resolve(configuration('counter-1'));
    await found.refresh();
    assert.deepEqual(asked, ['counter-1'], 'a name that is gone is forgotten');
  });

  it('follow a Service that was made again', async () => {
    const found = addresses();
    await found.resolve(configuration('counter-0'));
    dns['counter-0'] = ['10.0.0.9'];
    await found.refresh();
    assert.deepEqual(targets(await found.resolve(configuration('counter-0'))), ['10.0.0.9:7000']);
  });

  it('stay where the answers still have them, in whatever order, and while nobody answers', async () => {
    const found = addresses();
    await found.resolve(configuration('counter-0'));
    for (const answer of [['10.0.0.9', '10.0.0.2'], undefined, []]) {
      if (answer === undefined) delete dns['counter-0'];
      else dns['counter-0'] = answer;
      await found.refresh();
      assert.deepEqual(targets(await found.resolve(configuration('counter-0'))), ['10.0.0.2:7000']);
    }
  });

  it('leave a name that is not found to NGINX, until it is', async () => {
    const found = addresses();
    assert.deepEqual(targets(await found.resolve(configuration('counter-7'))), ['counter-7:7000']);
    dns['counter-7'] = ['10.0.0.7'];
    await found.refresh();
    assert.deepEqual(targets(await found.resolve(configuration('counter-7'))), ['10.0.0.7:7000']);
  });
});
