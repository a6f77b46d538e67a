import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { traceChannels } from '@dpr/client';
import { ConfigError } from '@dpr/infra/config';
import { parseStackText } from '@dpr/infra/stack-file';
import { planKubernetes } from '@dpr/infra/plan';
import { schema } from '../../infra/config/schema/index.ts';
import { POD_FIELDS } from '../../infra/plan/pod-merge.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const README = path.join(ROOT, 'infra/README.md');
/** What begins with `dpr:` and is no setting: types of Pulumi's resources, in full and as YAML has them, and the client's channels. */
const OTHERS = ['index', 'DprCluster', ...Object.values(traceChannels).map((channel) => channel.replace(/^dpr:/, ''))];

type Snippet = { readonly file: string; readonly text: string };

const documents = filesIn('.').map((file) => ({ file, text: readFileSync(path.join(ROOT, file), 'utf8') }));

describe('the documents', () => {
  it('show nothing of a stack file that a stack file could not hold', () => {
    const blocks = documents.flatMap(({ file, text }) =>
      Array.from(text.matchAll(/^```ya?ml\n(.*?)^```$/gms), ([, block = '']): Snippet => ({ file, text: block })),
    );
    assert.ok(blocks.length >= 6);
    assert.deepEqual(blocks.flatMap(complaints), []);
  });

  it('show settings of pods that Kubernetes is planned with, of every kind that there is', () => {
    const [, block = ''] = /^## Pods$.*?^```yaml\n(.*?)^```$/ms.exec(readFileSync(README, 'utf8')) ?? [];
    const { finder, ingress, console, membership, workers } = planKubernetes(parseStackText(block, 'x', 'kubernetes'));
    const pods = [finder, ingress, console, membership, ...workers].flatMap((planned) => planned?.pod ?? []);
    const shown = new Set(
      pods.flatMap(({ account, ...fields }) => Object.keys({ ...fields, ...(account && { serviceAccount: account }) })),
    );
    assert.deepEqual(
      POD_FIELDS.filter((field) => !shown.has(field)),
      [],
    );
  });

  it('name settings with values that these may have', () => {
    const settings = documents.flatMap(({ file, text }) =>
      Array.from(text.matchAll(/`(dpr:\w+: [^`]+)`/g), ([, line = '']): Snippet => ({
        file,
        text: `config:\n  ${line}\n`,
      })),
    );
    assert.ok(settings.length >= 4);
    assert.deepEqual(settings.flatMap(complaints), []);
  });

  it('name no setting that there is not', () => {
    const named = documents.flatMap(({ file, text }) =>
      Array.from(text.matchAll(/\bdpr:(\w+)/g), ([, name = '']) => ({ file, name })),
    );
    const unknown = named.filter(({ name }) => !OTHERS.includes(name) && !Object.hasOwn(schema.shape, name));
    assert.deepEqual(unknown, []);
  });

  it('would be told of a snippet that lacks its "config:", or says what is not so', () => {
    const said = (text: string) => complaints({ file: 'x.md', text });
    assert.deepEqual(said('config:\n  dpr:replace: [1]\n'), []);
    assert.match(said('dpr:replace: [1]\n').join(), /outside "config:"/);
    assert.match(said('config:\n  dpr:replace: 1\n').join(), /must list/);
  });
});

/** What is wrong with a snippet on one machine and on Kubernetes alike; where it says nothing of workers, there are none. */
function complaints({ file, text }: Snippet): string[] {
  const whole = text.includes('dpr:workers:') ? text : text.replace(/^config:\n/m, '$&  dpr:workers: []\n');
  const found = (['local', 'kubernetes'] as const).map((target) => {
    try {
      parseStackText(whole, file, target);
      return undefined;
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.message;
    }
  });
  const [first, second] = found;
  return first === undefined || second === undefined ? [] : [`${file}: ${first}`];
}

function filesIn(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name.startsWith('.') ? [] : filesIn(name);
    return name.endsWith('.md') ? [name] : [];
  });
}
