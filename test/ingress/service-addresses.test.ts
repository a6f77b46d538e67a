import assert from 'node:assert/strict';
import { ingressConfiguration } from '../../infra/plan/nginx-configuration.ts';
import { withoutPorts } from '../../services/ingress/nginx.ts';
import { createAddresses, LOOK_UPS_AT_ONCE, PATIENCE_MS } from '../../services/ingress/service-addresses.ts';

const routesTo = (names: readonly string[]) =>
  names.map((name, index) => ({ name, port: 6379 + index, target: `${name}:7000` }));
const configuration = (...names: string[]) =>
  ingressConfiguration(routesTo(names), { withTls: false, tellsAddresses: false }).text;
const targets = ({ text }: { readonly text: string }) =>
  Array.from(text.matchAll(/proxy_pass (\S+);/g), ([, target]) => target);

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
    assert.deepEqual([resolved.routes, resolved.unknown], [3, []]);
    const back = resolved.text.replace('10.0.0.1', 'dpr-finder').replace('10.0.0.2', 'counter-0');
    assert.equal(back.replace('[fd00::3]', 'counter-1'), text);
  });

  it('stand there also where NGINX tells of the addresses of clients', async () => {
    for (const withTls of [false, true]) {
      const { text } = ingressConfiguration(routesTo(['dpr-finder', 'counter-9']), { withTls, tellsAddresses: true });
      const resolved = await addresses().resolve(text);
      assert.deepEqual(targets(resolved), ['10.0.0.1:7000']);
      assert.deepEqual([resolved.routes, resolved.unknown], [1, ['counter-9']]);
      assert.equal(resolved.text.match(/proxy_protocol on;/g)?.length, 1, 'only to processes that read it');
      assert.doesNotMatch(withoutPorts(text, ['6379', '6380']), /proxy_pass/);
    }
  });

  it('are looked up when their names are new, and after that only when it is time', async () => {
    const found = addresses();
    await found.resolve(configuration('counter-0'));
    await found.resolve(configuration('counter-0', 'counter-1'));
    await found.resolve(configuration('counter-0', 'counter-1'));
    assert.deepEqual(asked.splice(0), ['counter-0', 'counter-1']);
    await found.refresh('all');
    assert.deepEqual(asked.splice(0), ['counter-0', 'counter-1']);
    await found.resolve(configuration('counter-1'));
    await found.refresh('all');
    assert.deepEqual(asked, ['counter-1'], 'a name that is gone is forgotten');
  });

  it('follow a Service that was made again', async () => {
    const found = addresses();
    await found.resolve(configuration('counter-0'));
    dns['counter-0'] = ['10.0.0.9'];
    await found.refresh('all');
    assert.deepEqual(targets(await found.resolve(configuration('counter-0'))), ['10.0.0.9:7000']);
  });

  it('stay where the answers still have them, in any order, and while no server answers', async () => {
    const found = addresses();
    await found.resolve(configuration('counter-0'));
    for (const answer of [['10.0.0.9', '10.0.0.2'], undefined, []]) {
      if (answer === undefined) delete dns['counter-0'];
      else dns['counter-0'] = answer;
      await found.refresh('all');
      assert.deepEqual(targets(await found.resolve(configuration('counter-0'))), ['10.0.0.2:7000']);
    }
  });

  it('close the port of a name that is not found, and no other, until it is found', async () => {
    const found = addresses();
    const before = await found.resolve(configuration('dpr-finder', 'counter-7', 'counter-0'));
    assert.deepEqual(targets(before), ['10.0.0.1:7000', '10.0.0.2:7000']);
    assert.deepEqual([before.routes, before.unknown], [2, ['counter-7']]);
    assert.doesNotMatch(before.text, /counter-7|listen 6380/);
    assert.match(before.text, /listen 6379 .*listen 6381 .*version\.sock/s);
    dns['counter-7'] = ['10.0.0.7'];
    asked = [];
    await found.refresh('unknown');
    assert.deepEqual(asked, ['counter-7'], 'the others are not asked for that');
    const after = await found.resolve(configuration('dpr-finder', 'counter-7', 'counter-0'));
    assert.deepEqual(targets(after), ['10.0.0.1:7000', '10.0.0.7:7000', '10.0.0.2:7000']);
    assert.deepEqual([after.routes, after.unknown], [3, []]);
  });

  it('are told of while DNS is silent, without asking again for what was asked, or for more than a few at once', async () => {
    const names = Array.from({ length: LOOK_UPS_AT_ONCE + 3 }, (_, id) => `counter-${id}`);
    const answers: (() => void)[] = [];
    const silent = createAddresses((name) => {
      asked.push(name);
      return new Promise((resolve) => answers.push(() => resolve(['10.0.0.5'])));
    }, 1);
    const text = configuration(...names);
    assert.deepEqual((await silent.resolve(text)).unknown, names);
    const refreshed = silent.refresh('all');
    assert.deepEqual((await silent.resolve(text)).unknown, names);
    assert.equal(asked.length, LOOK_UPS_AT_ONCE);
    for (let next = answers.shift(); next !== undefined; next = answers.shift()) {
      next();
      await new Promise(setImmediate);
      assert.ok(answers.length <= LOOK_UPS_AT_ONCE);
    }
    await refreshed;
    assert.deepEqual(asked, names);
    assert.deepEqual((await silent.resolve(text)).unknown, []);
    assert.ok(PATIENCE_MS <= 2_000);
  });
});
