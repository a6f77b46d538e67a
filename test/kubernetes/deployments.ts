/** Deployments of one stack with the Pulumi and the Kubernetes that the environment names, in a namespace of their own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';

export interface Deployments {
  readonly namespace: string;
  /** The Finder's public port: one that no other run uses at the same load balancer. */
  readonly basePort: number;
  /** The images of this run: `dpr:images`. */
  readonly images: { readonly registry: string; readonly tag: string; readonly nginx: string };
  /** What the next deployment deploys; secrets are encrypted, as `pulumi config set --secret` does. */
  configure(config: Readonly<Record<string, unknown>>, secrets?: Readonly<Record<string, string>>): Promise<void>;
  preview(): Promise<Preview>;
  /** The preview as an administrator reads it. */
  previewText(): Promise<string>;
  up(): Promise<void>;
  refresh(): Promise<void>;
  /** Compares what there is with what was deployed, as each night. @throws Error that shows what was changed by hand */
  drift(): Promise<void>;
  destroy(): Promise<void>;
  output(name: string): Promise<string>;
  /** Everything that Pulumi knows of the stack, as it stores it. */
  state(): Promise<string>;
  /** Removes everything, volumes too. */
  end(): Promise<void>;
}

/** As `pulumi preview --json` prints it. */
export type Preview = { readonly steps?: readonly { readonly op: string; readonly urn: string }[] };

export interface DeploymentOptions {
  /** The folder of the program, from the repository's root. */
  readonly program?: string;
  /** The public ports are ports of nodes. */
  readonly nodePorts?: boolean;
}

/** What a process of a stack that does little asks for: several stacks fit on one node. */
export const SMALL = { storage: '1Gi', cpu: { request: '20m' }, memory: { request: '64Mi' } };

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Settings of the environment, and what each is for. */
const NEEDED = {
  KUBECONFIG: 'the Kubernetes cluster to use',
  DPR_REGISTRY: 'a registry that this machine pushes to and the cluster pulls from, such as registry.example.com',
  DPR_BASE_IMAGE: 'an image with Node, for the images that are built',
  DPR_NGINX_IMAGE: 'an image of NGINX with its stream module',
};
/** Where stacks may have their public ports, and how many each has to itself. */
const PORTS = { first: 7_000, last: 26_900, each: 100 };
/** The lowest ports of nodes: Kubernetes gives them to no Service that does not ask for them. */
const NODE_PORTS = { first: 30_000, last: 30_075, each: 5 };

let images: Promise<Deployments['images']> | undefined;

/** Builds the images and makes an empty stack. @throws Error that says which settings are missing */
export async function deployments(options: DeploymentOptions = {}): Promise<Deployments> {
  const { program = 'infra', nodePorts = false } = options;
  images ??= buildImages();
  const built = await images;
  const namespace = `dpr-test-${randomBytes(5).toString('hex')}`;
  const { first, last, each } = nodePorts ? NODE_PORTS : PORTS;
  const basePort = first + each * randomInt((last - first) / each + 1);
  await kubectl(['create', 'namespace', namespace]);
  await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);

  const directory = await mkdtemp(path.join(tmpdir(), 'dpr-stack-'));
  const stackFile = path.join(directory, 'Pulumi.test.yaml');
  await mkdir(path.join(directory, 'state'));
  const project = {
    name: 'dpr-cluster',
    runtime: { name: 'nodejs', options: { typescript: false, nodeargs: '--import tsx' } },
    main: path.join(ROOT, program),
  };
  await writeFile(path.join(directory, 'Pulumi.yaml'), stringify(project));
  const environment = { PULUMI_BACKEND_URL: `file://${directory}/state`, PULUMI_CONFIG_PASSPHRASE: '' };
  const pulumi = (words: readonly string[], input = '') =>
    command(
      'pulumi',
      [...words, '--non-interactive'],
      { cwd: directory, env: { ...process.env, ...environment } },
      input,
    );
  const quietly = async (words: readonly string[]) => {
    await pulumi(words);
  };
  await pulumi(['stack', 'init', 'test']);
  const initial = parse(await readFile(stackFile, 'utf8')) as object;
  const own = {
    'dpr:namespace': namespace,
    'dpr:createNamespace': false,
    'dpr:basePort': basePort,
    'dpr:images': built,
  };

  const destroy = () => quietly(['destroy', '--yes', '--skip-preview']);
  return {
    namespace,
    basePort,
    images: built,
    async configure(config, secrets = {}) {
      await writeFile(stackFile, stringify({ ...initial, config: { ...own, ...config } }));
      for (const [key, value] of Object.entries(secrets)) await pulumi(['config', 'set', '--secret', key], value);
    },
    preview: async () => JSON.parse(await pulumi(['preview', '--json'])) as Preview,
    previewText: () => pulumi(['preview']),
    up: () => quietly(['up', '--yes', '--skip-preview']),
    refresh: () => quietly(['refresh', '--yes', '--skip-preview']),
    drift: () => quietly(['refresh', '--preview-only', '--expect-no-changes', '--diff']),
    destroy,
    output: async (name) => (await pulumi(['stack', 'output', name])).trim(),
    state: () => pulumi(['stack', 'export']),
    async end() {
      await destroy();
      await kubectl(['delete', 'namespace', namespace, '--wait=false']);
      await rm(directory, { recursive: true });
    },
  };
}

/** Once for all suites of a run. */
async function buildImages(): Promise<Deployments['images']> {
  const { DPR_NGINX_IMAGE: nginx = '' } = process.env;
  return { ...(await pushImages(Date.now().toString(36))), nginx };
}

/** Builds and pushes the project's images. @param time of the source, if not its commit's: seconds since 1970 */
export async function pushImages(tag: string, time?: number): Promise<{ registry: string; tag: string }> {
  const missing = Object.entries(NEEDED).filter(([name]) => (process.env[name] ?? '') === '');
  if (missing.length > 0) {
    const lines = missing.map(([name, what]) => `${name} is not set: ${what}`);
    throw new Error(['these tests need a cluster:', ...lines].join('\n  '));
  }
  const { DPR_REGISTRY: registry = '', DPR_BASE_IMAGE: base = '' } = process.env;
  const words = ['scripts/images.mjs', '--registry', registry, '--tag', tag, '--base-image', base, '--push'];
  const source = time === undefined ? {} : { SOURCE_DATE_EPOCH: String(time) };
  await command(process.execPath, words, { cwd: ROOT, env: { ...process.env, ...source } });
  return { registry, tag };
}

/** In a suite whose tests build on one another the first failure ends it; other suites go on. */
export function stepwise(): void {
  let failed = false;
  beforeEach(() => assert.ok(!failed, 'an earlier step failed, so this one and the rest were not tried'));
  afterEach(function () {
    failed ||= this.currentTest?.state === 'failed';
  });
}

/** What a command that should fail says. */
export async function failureOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => assert.fail('it did not fail'),
    (error: unknown) => String(error),
  );
}

/** What a preview changes, by the names of resources; a replacement counts once, and what is only read, or no more, not at all. */
export function changes({ steps = [] }: Preview): Record<string, string> {
  const changed = steps.filter(
    ({ op }) => !['same', 'read', 'discard', 'refresh'].includes(op) && !op.endsWith('-replacement'),
  );
  const kept = changed.filter(({ op }) => op !== 'delete-replaced');
  return Object.fromEntries(kept.map(({ op, urn }) => [urn.split('::').at(-1) ?? '', op]));
}

/** @returns the lines that it prints */
export async function kubectl(words: readonly string[], input = ''): Promise<string[]> {
  const text = await command('kubectl', words, {}, input);
  return text.split('\n').filter((line) => line !== '');
}

/** @returns standard output. @throws Error with everything that the program said */
export async function command(program: string, words: readonly string[], options: object, input = ''): Promise<string> {
  const child = spawn(program, words, { ...options, stdio: 'pipe' });
  let output = '';
  let errors = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
  child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString('utf8')));
  child.stdin.on('error', () => undefined); // a program that ends before it read everything says why
  child.stdin.end(input);
  const code = await new Promise((resolve, reject) => {
    const absent = (error: Error) => reject(new Error(`${program} cannot be started: ${error.message}`));
    child.on('close', resolve).on('error', absent);
  });
  if (code === 0) return output;
  throw new Error(`${program} ${words.join(' ')} failed:\n${output}${errors}`);
}
