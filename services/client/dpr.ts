/** The `dpr` command's process: its arguments, terminal and signals. */
import { runDpr } from './cli/program.ts';
import type { Terminal } from './cli/terminal.ts';

const CLEAR_SCREEN = '\x1b[H\x1b[2J';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
// The program that reads may have read enough, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exitCode = 0;
  interrupted.abort();
});
process.stderr.on('error', () => undefined); // it is not read, and the exit code says as much

const terminal: Terminal = {
  print: (text) => process.stdout.write(`${text}\n`),
  say: (text) => process.stderr.write(`${text}\n`),
  show: (text) => process.stdout.write(process.stdout.isTTY ? `${CLEAR_SCREEN}${text}\n` : `${text}\n\n`),
  columns: () => (process.stdout.isTTY ? process.stdout.columns : undefined),
  signal: interrupted.signal,
};
const exitCode = await runDpr(process.argv.slice(2), process.env, terminal, process.cwd());
process.exitCode ??= exitCode;
