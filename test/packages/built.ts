/** The packages, built once for all tests of a run. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ALL, buildPackages, type Built } from '../../scripts/packages.mjs';
import type { PUBLISHED } from '../../scripts/packages/published.mjs';

export const ROOT = path.join(import.meta.dirname, '../..');

export type Short = keyof typeof PUBLISHED;
export const SHORTS: readonly Short[] = ALL;

/** For what hangs: building takes a minute on a busy machine. */
export const HANGS_MS = 600_000;

let building: Promise<Record<string, Built>> | undefined;

export function built(): Promise<Record<Short, Built>> {
  return (building ??= buildPackages(ALL));
}

/** Runs a program of node_modules; @returns its exit code and all that it printed */
export function runTool(file: string, args: readonly string[], cwd = ROOT): { status: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [path.join(ROOT, file), ...args], {
    ...{ cwd, encoding: 'utf8', env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1' } },
  });
  if (error) throw error;
  return { status, output: `${stdout}${stderr}` };
}
