import assert from 'node:assert/strict';
import { parseConfig } from '@dpr/infra/config';
import type { Provider } from '@pulumi/pulumi/provider/index.js';
import { parse } from 'yaml';
import { readFile } from 'node:fs/promises';
import { underMocks } from './mocks.ts';

type Construct = NonNullable<Provider['construct']>;
type Schema = {
  readonly name: string;
  readonly version: string;
  readonly resources: Readonly<Record<string, { readonly inputProperties: object; readonly properties: object }>>;
};
type Example = {
  readonly resources: {
    readonly orders: { readonly type: string; readonly properties: { readonly settings: object } };
  };
};

const TYPE = 'dpr:index:DprCluster';
const SETTINGS = { namespace: 'orders', workers: [{ id: 0 }, { id: 3 }] };

/** What the engine asks for, with inputs as it hands them over. */
async function constructed(inputs: object, type = TYPE) {
  const { componentProvider } = await import('../../infra/provider/component-provider.ts');
  const construct: Construct = componentProvider('0.1.0').construct ?? assert.fail();
  return underMocks({}, () => construct('orders', type, inputs, {}));
}

describe('the plugin for programs in every language', () => {
  it('makes a cluster of settings, tokens and a registry', async () => {
    const { output, secret } = await import('@pulumi/pulumi');
    const { resources, result } = await constructed({
      settings: output(SETTINGS),
      controlToken: secret('a-control-token-of-a-test'),
      registry: output('registry.example.com'),
    });
    assert.deepEqual(Object.keys(result.state), ['finderUrl', 'endpoints', 'portMap', 'volumes']);
    assert.equal(resources.filter(({ type }) => type === 'dpr:index:Worker').length, 2);
    const text = JSON.stringify(resources);
    assert.ok(text.includes('registry.example.com/dpr-counter:latest'));
    assert.ok(text.includes('{"secret":{"DPR_CONTROL_TOKEN":"a-control-token-of-a-test"}}'));
  });

  it('refuses what it cannot make, by what is wrong', async () => {
    await assert.rejects(constructed({ settings: { workers: [{ id: -1 }] } }), /dpr:workers\[0\]\.id is -1/);
    await assert.rejects(constructed({ settings: SETTINGS }, 'dpr:index:Other'), /there is no dpr:index:Other/);
  });

  it('tells of its inputs and outputs, all of them', async () => {
    const { packageSchema } = await import('../../infra/provider/package-schema.ts');
    const { name, version, resources } = packageSchema('0.1.0') as Schema;
    assert.deepEqual([name, version, Object.keys(resources)], ['dpr', '0.1.0', [TYPE]]);
    const { inputProperties, properties } = resources[TYPE] ?? assert.fail();
    assert.deepEqual(Object.keys(inputProperties), ['settings', 'controlToken', 'clientToken', 'registry']);
    const { result } = await constructed({ settings: SETTINGS });
    assert.deepEqual(Object.keys(properties), Object.keys(result.state));
  });

  it('is given settings by the example in YAML that can be used', async () => {
    const text = await readFile(new URL('../../infra/examples/yaml/Pulumi.yaml', import.meta.url), 'utf8');
    const { resources } = parse(text) as Example;
    assert.equal(resources.orders.type.replace(':', ':index:'), TYPE);
    assert.equal(parseConfig(resources.orders.properties.settings, 'kubernetes').workers.length, 2);
  });
});
