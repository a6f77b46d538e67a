import { unwatchFile, watchFile } from 'node:fs';

const LOOK_MS = 200;
/** Editors save in several steps: a change counts once nothing changed for so long. */
const QUIET_MS = 100;

/**
 * Calls back after each change of a file, however it is saved: written in place, replaced by renaming another one, or through
 * a link. Looks at its status now and then, which works on every file system.
 *
 * @returns what ends the watching
 */
export function watchForChanges(file: string, onChange: () => void): () => void {
  let quiet: NodeJS.Timeout | undefined;
  const changed = () => {
    clearTimeout(quiet);
    quiet = setTimeout(onChange, QUIET_MS);
  };
  watchFile(file, { interval: LOOK_MS }, changed);
  return () => {
    clearTimeout(quiet);
    unwatchFile(file, changed);
  };
}
