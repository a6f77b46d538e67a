import process from 'node:process';
import { isatty } from 'node:tty';

/** npm passes Ctrl-C on although the terminal delivers it to every process: a second one counts only after this. */
export const SAME_CTRL_C_MS = 300;
const STANDARD_OUTPUT = 1;

export type Reactions = {
  /** The first time that a signal asks for the end. */
  readonly stop: (why: string) => void;
  /** The second time. */
  readonly kill: () => void;
  readonly reload: () => void;
};

/** Ctrl-C and SIGTERM end the cluster, as does closing the terminal or the pipe that it writes to; SIGHUP reloads. */
export function onSignals({ stop, kill, reload }: Reactions): void {
  const onTerminal = isatty(STANDARD_OUTPUT);
  let firstAt: number | undefined;

  function end(why: string): void {
    const now = performance.now();
    if (firstAt === undefined) stop(why);
    else if (now - firstAt >= SAME_CTRL_C_MS) kill();
    firstAt ??= now;
  }

  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  // A terminal that was closed is none any more by the time that it says so.
  process.on('SIGHUP', () => (onTerminal && !isatty(STANDARD_OUTPUT) ? end('the end of the terminal') : reload()));
  process.stdout.on('error', () => {
    if (firstAt === undefined) end('the end of its output');
  });
}
