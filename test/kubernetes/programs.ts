/** The project's own commands against a deployed cluster, as a user runs them. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { bundle, DIST } from '../../scripts/bundle.mjs';

export type Said = { readonly event: string } & Readonly<Record<string, unknown>>;
export type Ended = {
  readonly code: number | null;
  /** Each line of JSON that it printed. */
  readonly said: readonly Said[];
  readonly errors: string;
};

export interface Program {
  readonly ended: Promise<Ended>;
  /** As Ctrl-C does. */
  interrupt(): void;
}

/** Starts `npm run chaos` or `npm run experiment`, with its output as JSON. */
export async function start(program: 'chaos' | 'experiment', words: readonly string[]): Promise<Program> {
  await bundle();
  const child = spawn(process.execPath, [path.join(DIST, `${program}.js`), '--json', ...words]);
  return { ended: endOf(child), interrupt: () => child.kill('SIGINT') };
}

async function endOf(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const said: Said[] = [];
  let errors = '';
  child.stdin.end();
  createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line) as Said));
  child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString('utf8')));
  const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject));
  return { code, said, errors };
}
