/** Prometheus' own program that checks what is made for it. */
import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncOptions } from 'node:child_process';

/** @returns what it prints @throws AssertionError where it finds a fault */
export function promtool(words: readonly string[], options: Pick<SpawnSyncOptions, 'cwd' | 'input'>): string {
  const { error, status, stdout, stderr } = spawnSync('promtool', words, { ...options, encoding: 'utf8' });
  assert.equal(error, undefined, 'this needs promtool (Debian: apt-get install prometheus)');
  assert.equal(status, 0, `${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}
