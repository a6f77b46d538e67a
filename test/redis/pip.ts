/** Fetches what of redis-py tests need from the package index. */
import { spawnSync } from 'node:child_process';

/** The version by which a store is tried, and whose own tests are run. */
export const REDIS_PY = 'redis==8.1.0';

/** @throws Error that says what is missing */
export function pip(...words: string[]): void {
  const all = ['-m', 'pip', '--quiet', '--disable-pip-version-check', ...words];
  const { error, status, stderr } = spawnSync('python3', all, { encoding: 'utf8' });
  if (status === 0) return;
  const reason = error?.message ?? stderr;
  throw new Error(`this needs python3 with pip, for ${words.join(' ')} (Debian: python3-pip): ${reason}`);
}
