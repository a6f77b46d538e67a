import { statSync } from 'node:fs';

const LOOK_MS = 100;
/** Editors save in several steps: a change counts once nothing changed for so long. */
const QUIET_MS = 100;

/** What becomes another one whenever a file is saved, however that is done; for one that is missing too. */
export type Fingerprint = string;

export function fingerprintOf(file: string): Fingerprint {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/**
 * Calls back after each change of a file: written in place, replaced by renaming another one, or through a link. Looks at it
 * now and then, which works on every file system.
 *
 * @param since what it was when its content was read: an earlier change is a change too
 * @returns what ends the watching
 */
export function watchForChanges(file: string, since: Fingerprint, onChange: () => void): () => void {
  let last = since;
  let quietAt: number | undefined;
  const timer = setInterval(() => {
    const current = fingerprintOf(file);
    const now = performance.now();
    if (current !== last) quietAt = now + QUIET_MS;
    last = current;
    if (quietAt === undefined || now < quietAt) return;
    quietAt = undefined;
    onChange();
  }, LOOK_MS);
  return () => clearInterval(timer);
}
