/** The Prometheus operator's own definitions of what it takes, from its Go module, installed without the operator. */
import path from 'node:path';
import { DEFINITIONS } from '../../infra/monitoring/index.ts';
import { command, kubectl } from './deployments.ts';

const MODULE = 'github.com/prometheus-operator/prometheus-operator@v0.93.0';
const FOLDER = 'example/prometheus-operator-crd';

/** The names of those that the cluster has. */
export async function installedDefinitions(): Promise<string[]> {
  return kubectl(['get', 'crd', ...DEFINITIONS, '--ignore-not-found', '-o', 'name']);
}

/** Installs them, and returns once objects are checked by them. @throws Error where there is no Go, or not the module */
export async function installDefinitions(): Promise<void> {
  const { Dir: directory } = JSON.parse(await command('go', ['mod', 'download', '-json', MODULE], {})) as {
    Dir: string;
  };
  for (const definition of DEFINITIONS) {
    const [plural = '', ...group] = definition.split('.');
    await kubectl(['create', '-f', path.join(directory, FOLDER, `${group.join('.')}_${plural}.yaml`)]);
  }
  await kubectl(['wait', '--for=condition=Established', 'crd', ...DEFINITIONS, '--timeout=60s']);
}

export async function removeDefinitions(): Promise<void> {
  await kubectl(['delete', 'crd', ...DEFINITIONS, '--ignore-not-found']);
}
