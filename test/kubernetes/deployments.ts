/** Deployments of one stack with the Pulumi and the Kubernetes that the environment names, in a namespace of their own. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

export interface Deployments {
  readonly namespace: string;
  /** What the next deployment deploys. */
  configure(config: Readonly<Record<string, unknown>>): Promise<void>;
  preview(): Promise<Preview>;
  up(): Promise<void>;
  refresh(): Promise<void>;
  destroy(): Promise<void>;
  output(name: string): Promise<string>;
  /** Removes everything, volumes too. */
  end(): Promise<void>;
}

/** As `pulumi preview --json` prints it. */
export type Preview = { readonly steps?: readonly { readonly op: string; readonly urn: string }[] };

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Settings of the environment, and what each is for. */
const NEEDED = {
  KUBECONFIG: 'the Kubernetes cluster to use',
  DPR_REGISTRY: 'a registry that this machine pushes to and the cluster pulls from, such as localhost:5000',
  DPR_BASE_IMAGE: 'an image with Node, for the images that are built',
  DPR_NGINX_IMAGE: 'an image of NGINX with its stream module',
};

/** Builds the images and makes an empty stack. @throws Error that says which settings are missing */
export async function deployments(): Promise<Deployments> {
  const missing = Object.entries(NEEDED).filter(([name]) => (process.env[name] ?? '') === '');
  if (missing.length > 0) {
    const lines = missing.map(([name, what]) => `${name} is not set: ${what}`);
    throw new Error(['these tests need a cluster:', ...lines].join('\n  '));
  }
  const { DPR_REGISTRY: registry = '', DPR_BASE_IMAGE: base = '', DPR_NGINX_IMAGE: nginx = '' } = process.env;
  const run = Date.now().toString(36);
  const namespace = `dpr-test-${run}`;
  const images = ['scripts/images.mjs', '--registry', registry, '--tag', run, '--base-image', base, '--push'];
  await command(process.execPath, images, { cwd: ROOT });
  await kubectl(['create', 'namespace', namespace]);
  await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);

  const directory = await mkdtemp(path.join(tmpdir(), 'dpr-stack-'));
  await mkdir(path.join(directory, 'state'));
  const project = {
    name: 'dpr-cluster',
    runtime: { name: 'nodejs', options: { typescript: false, nodeargs: '--import tsx' } },
    main: path.join(ROOT, 'infra'),
  };
  await writeFile(path.join(directory, 'Pulumi.yaml'), stringify(project));
  const environment = { PULUMI_BACKEND_URL: `file://${directory}/state`, PULUMI_CONFIG_PASSPHRASE: '' };
  const pulumi = (words: readonly string[]) =>
    command('pulumi', [...words, '--non-interactive'], { cwd: directory, env: { ...process.env, ...environment } });
  const quietly = async (words: readonly string[]) => {
    await pulumi(words);
  };
  const own = { 'dpr:namespace': namespace, 'dpr:createNamespace': false, 'dpr:images': { registry, tag: run, nginx } };
  await pulumi(['stack', 'init', 'test']);

  const destroy = () => quietly(['destroy', '--yes', '--skip-preview']);
  return {
    namespace,
    configure: (config) =>
      writeFile(path.join(directory, 'Pulumi.test.yaml'), stringify({ config: { ...own, ...config } })),
    preview: async () => JSON.parse(await pulumi(['preview', '--json'])) as Preview,
    up: () => quietly(['up', '--yes', '--skip-preview']),
    refresh: () => quietly(['refresh', '--yes', '--skip-preview']),
    destroy,
    output: async (name) => (await pulumi(['stack', 'output', name])).trim(),
    async end() {
      await destroy();
      await kubectl(['delete', 'namespace', namespace, '--wait=false']);
      await rm(directory, { recursive: true });
    },
  };
}

/** What a preview changes, by the names of resources; a replacement counts once. */
export function changes({ steps = [] }: Preview): Record<string, string> {
  const changed = steps.filter(({ op }) => !['same', 'read', 'refresh'].includes(op) && !op.endsWith('-replacement'));
  const kept = changed.filter(({ op }) => op !== 'delete-replaced');
  return Object.fromEntries(kept.map(({ op, urn }) => [urn.split('::').at(-1) ?? '', op]));
}

/** @returns the lines that it prints */
export async function kubectl(words: readonly string[], input = ''): Promise<string[]> {
  const text = await command('kubectl', words, {}, input);
  return text.split('\n').filter((line) => line !== '');
}

/** @returns standard output. @throws Error with everything that the program said */
async function command(program: string, words: readonly string[], options: object, input = ''): Promise<string> {
  const child = spawn(program, words, { ...options, stdio: 'pipe' });
  let output = '';
  let errors = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
  child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString('utf8')));
  child.stdin.end(input);
  const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  if (code === 0) return output;
  throw new Error(`${program} ${words.join(' ')} failed:\n${output}${errors}`);
}
