/** Ctrl-C, and what a supervisor sends: programs that stop others must undo what they did before they end. */

/** Exit code of a program that was interrupted, as shells have it. */
export const EXIT_INTERRUPTED = 130;

/**
 * @returns a signal that tells of the first SIGINT, SIGTERM or SIGHUP, and of the end of the program that reads the output; later ones do
 *   not cut the undoing short
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => controller.abort());
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => controller.abort());
  return controller.signal;
}

/**
 * Runs a program that a signal may interrupt, and tells on standard error why it failed, if it did.
 *
 * @returns its exit code: 0, 1 where it failed, `EXIT_INTERRUPTED`
 */
export async function interruptible(program: (signal: AbortSignal) => Promise<void>): Promise<number> {
  const signal = interruption();
  try {
    await program(signal);
    return signal.aborted ? EXIT_INTERRUPTED : 0;
  } catch (error) {
    if (signal.aborted) return EXIT_INTERRUPTED;
    process.stderr.write(`${errorText(error)}\n`);
    return 1;
  }
}

/** An error of the surroundings in a line; a defect with all that is known of it. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isDefect = ['TypeError', 'RangeError', 'ReferenceError', 'AssertionError'].includes(error.name);
  return isDefect ? (error.stack ?? error.message) : error.message;
}
