import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ResourceValidationArgs } from '@pulumi/policy';
import { policies } from '../../infra/policy/policies.ts';
import { RULES } from '../../infra/policy/rules.ts';
import type { Resource } from '../../infra/policy/rule.ts';

type Json = Readonly<Record<string, unknown>>;
type Dumped = { readonly name: string; readonly type: string; readonly inputs?: Json };

/** What an example stack registers, of which a fleet's golden file has the inputs of some alone. */
function registered(stack: string): (Resource & { readonly name: string })[] {
  const text = readFileSync(new URL(`golden/${stack}.json`, import.meta.url), 'utf8');
  const dumped = JSON.parse(text) as Dumped[];
  return dumped.flatMap(({ name, type, inputs }) => (inputs === undefined ? [] : { name, type, props: inputs }));
}

/** Names of the rules that these resources violate, each once. */
function violated(resources: readonly Resource[]): string[] {
  return RULES.filter(({ problems }) => resources.some((resource) => problems(resource).length > 0)).map(
    ({ name }) => name,
  );
}

/** The resources of a stack with one part of one of them changed: its new value stands at the end of a path into its inputs. */
function broken(stack: string, name: string, path: readonly (string | number)[], value: unknown): Resource[] {
  const resources = registered(stack);
  const found = resources.find((resource) => resource.name === name);
  assert.ok(found, name);
  const last = path.at(-1) ?? '';
  const holder = path.slice(0, -1).reduce<Record<string | number, unknown>>((inner, key) => {
    const next = inner[key];
    assert.ok(typeof next === 'object' && next !== null, `${name} has ${String(key)}`);
    return next as Record<string | number, unknown>;
  }, found.props);
  if (value === undefined) Reflect.deleteProperty(holder, last);
  else holder[last] = value;
  return resources;
}

const POD = ['spec', 'template', 'spec'];
const CONTAINER = [...POD, 'containers', 0];
const SECURITY = [...CONTAINER, 'securityContext'];
const RETENTION = 'persistentVolumeClaimRetentionPolicy';
const ENFORCE = 'pod-security.kubernetes.io/enforce';
/** Production names versions; digests are for its administrator to add. */
const UNDIGESTED = 'images-by-digest';

type Break = readonly [rule: string, what: string, name: string, path: readonly (string | number)[], value: unknown];

const BREAKS: readonly Break[] = [
  ['volumes-kept', 'a volume that goes', 'dpr-counter-0-set', ['spec', RETENTION, 'whenDeleted'], 'Delete'],
  [
    'volumes-kept',
    'a volume that goes with its replica',
    'dpr-finder-set',
    ['spec', RETENTION, 'whenScaled'],
    'Delete',
  ],
  ['pods-restricted', 'a pod of root', 'dpr-finder-set', [...POD, 'securityContext', 'runAsNonRoot'], false],
  ['pods-restricted', 'user 0', 'dpr-finder-set', [...POD, 'securityContext', 'runAsUser'], 0],
  ['pods-restricted', 'no profile', 'dpr-finder-set', [...POD, 'securityContext', 'seccompProfile'], undefined],
  ['pods-restricted', 'more privileges', 'dpr-membership-job', [...SECURITY, 'allowPrivilegeEscalation'], undefined],
  ['pods-restricted', 'all privileges', 'dpr-ingress-deployment', [...SECURITY, 'privileged'], true],
  ['pods-restricted', 'capabilities', 'dpr-finder-set', [...SECURITY, 'capabilities', 'drop'], []],
  ['pods-restricted', 'a capability', 'dpr-finder-set', [...SECURITY, 'capabilities', 'add'], ['SYS_ADMIN']],
  ['pods-restricted', 'a root that is written', 'dpr-finder-set', [...SECURITY, 'readOnlyRootFilesystem'], false],
  ['pods-restricted', 'a port of the node', 'dpr-finder-set', [...CONTAINER, 'ports', 0, 'hostPort'], 80],
  ['pods-restricted', "the node's network", 'dpr-counter-3-set', [...POD, 'hostNetwork'], true],
  [
    'pods-restricted',
    "the node's files",
    'dpr-ingress-deployment',
    [...POD, 'volumes', 0],
    { name: 'x', hostPath: {} },
  ],
  [
    'pods-restricted',
    'a feeder of root',
    'dpr-ingress-deployment',
    [...POD, 'initContainers', 0, 'securityContext'],
    {},
  ],
  ['namespace-restricted', 'another standard', 'dpr-namespace', ['metadata', 'labels', ENFORCE], 'baseline'],
  ['control-port-private', 'a public Finder', 'dpr-finder-service', ['spec', 'type'], 'LoadBalancer'],
  ['control-port-private', 'ports of nodes', 'dpr-finder-service', ['spec', 'type'], 'NodePort'],
  ['control-port-private', 'addresses outside', 'dpr-finder-service', ['spec', 'externalIPs'], ['203.0.113.1']],
  [
    'control-port-private',
    'a port of the ingress that leads to it',
    'dpr-ingress-service',
    ['spec', 'ports', 1],
    { port: 443, targetPort: 16_379 },
  ],
  [
    'control-port-private',
    'every pod',
    'dpr-finder-policy',
    ['spec', 'ingress', 1, 'from', 0],
    { namespaceSelector: {} },
  ],
  ['control-port-private', 'all that there is', 'dpr-finder-policy', ['spec', 'ingress', 1, 'from'], undefined],
  [
    'control-port-private',
    'addresses',
    'dpr-finder-policy',
    ['spec', 'ingress', 1, 'from', 0],
    { ipBlock: { cidr: '::/0' } },
  ],
  ['control-port-private', 'every port', 'dpr-finder-policy', ['spec', 'ingress', 2, 'ports'], undefined],
  [
    'control-port-private',
    'a route of NGINX',
    'dpr-ingress-configuration',
    ['data', 'nginx.conf'],
    'server { listen 1 ssl; proxy_pass dpr-finder:16379; }',
  ],
  ['tokens', 'no tokens', 'dpr-finder-set', [...CONTAINER, 'env'], []],
  [
    'tokens',
    'a token in the open',
    'dpr-counter-1-set',
    [...CONTAINER, 'env', 0],
    { name: 'DPR_CONTROL_TOKEN', value: 'x' },
  ],
  [
    'tls',
    'a port without TLS',
    'dpr-ingress-configuration',
    ['data', 'nginx.conf'],
    'server { listen 6379 so_keepalive=on; }',
  ],
  ['images-tagged', 'the latest image', 'dpr-finder-set', [...CONTAINER, 'image'], 'r:5000/f:latest'],
  ['images-tagged', 'an image without a tag', 'dpr-kv-7-set', [...CONTAINER, 'image'], 'r:5000/f'],
];

describe('the policy pack', () => {
  it('has nothing to say of production but that its images have no digests', () => {
    assert.deepEqual(violated(registered('production')), [UNDIGESTED]);
  });

  it('has nothing to say of images with digests', () => {
    const digested = JSON.parse(
      JSON.stringify(registered('production')).replaceAll(/("image":"[^"]*)"/g, '$1@sha256:0a"'),
    ) as Resource[];
    assert.deepEqual(violated(digested), []);
  });

  it('asks of every example stack what is not for production alone', () => {
    for (const stack of ['dev', 'aks', 'fleet', 'monitoring']) {
      const names = violated(registered(stack));
      const production = RULES.filter(({ isForProduction }) => isForProduction).map(({ name }) => name);
      assert.deepEqual(
        names.filter((name) => !production.includes(name)),
        [],
        stack,
      );
    }
    assert.deepEqual(violated(registered('dev')), ['tokens', 'tls', 'images-tagged', UNDIGESTED]);
  });

  for (const [rule, what, name, path, value] of BREAKS) {
    it(`finds ${what}, by the rule ${rule}`, () => {
      const found = violated(broken('production', name, path, value));
      assert.deepEqual(
        found.filter((violation) => violation !== UNDIGESTED),
        [rule],
      );
    });
  }

  it('has a case above for each of its rules', () => {
    const cases = new Set([UNDIGESTED, ...BREAKS.map(([rule]) => rule)]);
    assert.deepEqual(
      RULES.map(({ name }) => name).filter((name) => !cases.has(name)),
      [],
    );
  });

  it('takes for production the stacks of that name, or those that its configuration names', () => {
    const latest = broken('production', 'dpr-finder-set', [...CONTAINER, 'image'], 'finder');
    const finder = latest.find(
      ({ type, props }) => type.endsWith(':StatefulSet') && JSON.stringify(props).includes('"finder"'),
    );
    assert.ok(finder);
    const told = (name: string, stack: string, config: object) => {
      const policy = policies.find((known) => known.name === name);
      const { validateResource } = policy ?? {};
      assert.ok(typeof validateResource === 'function');
      const texts: string[] = [];
      const urn = `urn:pulumi:${stack}::dpr-cluster::${finder.type}::dpr-finder-set`;
      const asked = { ...finder, urn, getConfig: () => config } as unknown as ResourceValidationArgs;
      void validateResource(asked, (text) => texts.push(text));
      return texts;
    };
    const says = ['the image finder may be another tomorrow: name a version'];
    assert.deepEqual(told('images-tagged', 'production', {}), says);
    assert.deepEqual(told('images-tagged', 'dev', {}), []);
    assert.deepEqual(told('images-tagged', 'aks', { stacks: ['aks'] }), says);
    assert.deepEqual(told('images-tagged', 'production', { stacks: ['aks'] }), []);
    assert.deepEqual(told('volumes-kept', 'dev', {}), []);
  });

  it('says what to set', () => {
    const texts = (rule: string, resources: Resource[]) =>
      resources.flatMap((resource) => RULES.find(({ name }) => name === rule)?.problems(resource) ?? []);
    const without = broken('production', 'dpr-finder-set', [...CONTAINER, 'env'], []);
    assert.deepEqual(texts('tokens', without), [
      'the Finder asks for no DPR_CONTROL_TOKEN: set dpr:controlToken as a secret',
      'the Finder asks for no DPR_CLIENT_TOKEN: set dpr:clientToken as a secret',
    ]);
    const kept = broken('production', 'dpr-finder-set', ['spec', RETENTION, 'whenDeleted'], 'Delete');
    assert.deepEqual(texts('volumes-kept', kept), [
      'the volume goes with its process (whenDeleted: Delete): set dpr:keepVolumes to true',
    ]);
    assert.deepEqual(texts('tls', registered('dev')), [
      '5 ports are served without TLS: set dpr:ingress.tlsSecretName',
    ]);
  });

  it("is served by Pulumi's own loader of packs, which tells the engine its port", async () => {
    const folder = fileURLToPath(new URL('../../infra/policy', import.meta.url));
    const loader = createRequire(import.meta.url).resolve('@pulumi/pulumi/cmd/run-policy-pack');
    const words = [loader, 'no-engine', folder];
    const served = spawn(process.execPath, words, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface(served.stdout);
    const exit = once(served, 'exit');
    try {
      const told: unknown = await Promise.race([once(lines, 'line'), exit.then(() => 'it ended')]);
      assert.match(String(told), /^\d+$/);
    } finally {
      served.kill();
      await exit;
    }
  });
});
