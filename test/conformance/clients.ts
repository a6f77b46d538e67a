/** The clients that the conformance runner plays to, as commands. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as esbuild from 'esbuild';
import { BUNDLING } from '../../scripts/bundle.mjs';

const ROOT = path.join(import.meta.dirname, '../..');
const PYTHON_FOLDER = path.join(ROOT, 'examples/python');

/** The client in Python, as a program that reads commands. */
export const PYTHON_CLIENT: readonly string[] = ['python3', path.join(PYTHON_FOLDER, 'conformance.py')];

/** Folders that a test makes, to be removed after it. */
export function workshop(): {
  /** The project's own client, in one file, because it is started very often. */
  readonly ownClient: () => Promise<readonly string[]>;
  /** The client in Python with a mistake: a text of it is replaced by another one. */
  readonly brokenClient: (text: string, mistake: string) => readonly string[];
  readonly clear: () => void;
} {
  const folders: string[] = [];
  const folder = (): string => {
    const made = mkdtempSync(path.join(tmpdir(), 'dpr-conformance-'));
    folders.push(made);
    return made;
  };
  return {
    async ownClient() {
      const outfile = path.join(folder(), 'adapter.mjs');
      await esbuild.build({ ...BUNDLING, entryPoints: [path.join(import.meta.dirname, 'adapter.ts')], outfile });
      return [process.execPath, outfile];
    },
    brokenClient(text, mistake) {
      const whole = readFileSync(path.join(PYTHON_FOLDER, 'dpr_client.py'), 'utf8');
      const parts = whole.split(text);
      if (parts.length !== 2) throw new Error(`'${text}' is ${parts.length - 1} times in the client, not once`);
      const made = folder();
      writeFileSync(path.join(made, 'dpr_client.py'), parts.join(mistake));
      writeFileSync(path.join(made, 'conformance.py'), readFileSync(path.join(PYTHON_FOLDER, 'conformance.py')));
      return ['python3', path.join(made, 'conformance.py')];
    },
    clear() {
      for (const made of folders.splice(0)) rmSync(made, { recursive: true });
    },
  };
}
