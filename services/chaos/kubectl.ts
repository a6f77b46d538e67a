/** `kubectl`, which knows the administrator's clusters, contexts and ways to log in, so that this program need not. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { OutsideDataError, parseJson, type Schema } from '@dpr/runtime/outside-data';
import { TargetError } from './target.ts';

export type KubectlOptions = {
  /** Of the kubeconfig; undefined: its current one. */
  readonly context: string | undefined;
};

/**
 * Runs a command to its end.
 * @returns what it printed, unless it went on until the signal
 * @throws TargetError with kubectl's own words when it fails; the signal's reason when it says to stop
 */
export type Kubectl = (words: readonly string[], options?: RunOptions) => Promise<string>;

export type RunOptions = {
  /** The command may go on until then. */
  readonly signal?: AbortSignal;
  /** Told each line as it is printed. */
  readonly output?: (line: string) => void;
};

/** A command that has not ended by then never will, ms. What waits for the cluster is given its own signal. */
const COMMAND_LIMIT_MS = 30_000;

export function kubectl({ context }: KubectlOptions): Kubectl {
  const common = context === undefined ? [] : ['--context', context];
  return async (words, { signal, output = () => undefined } = {}) => {
    signal?.throwIfAborted();
    // In a session of its own: Ctrl-C in the terminal is for this program, which may still have something to undo.
    const child = spawn('kubectl', [...common, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      signal: signal ?? AbortSignal.timeout(COMMAND_LIMIT_MS),
    });
    const lines: string[] = [];
    let errors = '';
    createInterface(child.stdout).on('line', (line) => {
      if (signal === undefined) lines.push(line); // of what goes on for ever nothing is kept
      output(line);
    });
    child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString('utf8')));
    let code: unknown;
    try {
      code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
    } catch (error) {
      signal?.throwIfAborted();
      const { code: reason, message } = error as NodeJS.ErrnoException;
      if (reason === 'ENOENT') throw new TargetError('kubectl is not on the path: install it');
      throw new TargetError(`kubectl ${words.join(' ')} did not end: ${message}`);
    }
    if (code === 0) return lines.join('\n');
    throw new TargetError(`kubectl ${words.slice(0, 2).join(' ')} failed: ${reasonIn(errors)}`);
  };
}

/**
 * What kubectl printed, as JSON.
 *
 * @param what in words, such as `the list of pods`
 * @throws TargetError that names what does not fit
 */
export function parsePrinted<Value>(schema: Schema<Value>, text: string, what: string): Value {
  try {
    const remedy = 'See what kubectl prints by itself, and that it is a kubectl of Kubernetes 1.29 or later';
    return parseJson(schema, text, { what: `${what} that kubectl printed`, remedy });
  } catch (error) {
    throw error instanceof OutsideDataError ? new TargetError(error.message) : error;
  }
}

/** Without what kubectl says about itself. */
function reasonIn(errors: string): string {
  return errors
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^WARNING: version/i.test(line))
    .join(' ');
}
