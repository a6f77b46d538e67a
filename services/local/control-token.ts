import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** In the data directory of a cluster on one machine: what its control port asks for, where the configuration does not say. */
export const CONTROL_TOKEN_FILE = 'control-token';

const TOKEN_BITS = 128;
const TOKEN = new RegExp(`^[0-9a-f]{${TOKEN_BITS / 4}}$`);
const OWNER_ONLY = 0o600;

/**
 * The control token of a cluster whose configuration has none. It is made at the first start and kept, so that a program that has
 * it goes on after a restart. Only the user that runs the cluster can read it; the next start after the file was removed makes
 * another one.
 *
 * @param dataDirectory which the caller has locked
 * @throws Error when the token cannot be kept
 */
export function ownControlToken(dataDirectory: string): string {
  const file = path.join(dataDirectory, CONTROL_TOKEN_FILE);
  const kept = keptToken(file);
  if (kept !== undefined) return kept;
  const token = randomBytes(TOKEN_BITS / 8).toString('hex');
  const draft = `${file}.new`;
  writeFileSync(draft, `${token}\n`, { mode: OWNER_ONLY });
  chmodSync(draft, OWNER_ONLY); // the draft may be one that was left behind
  renameSync(draft, file);
  return token;
}

/** The token in the file, unless there is none or it was damaged. */
function keptToken(file: string): string | undefined {
  try {
    chmodSync(file, OWNER_ONLY); // also of one that was copied
    const text = readFileSync(file, 'utf8').trim();
    return TOKEN.test(text) ? text : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
