import { EXIT, OUT_OF_MEMORY } from '@dpr/runtime/exit-codes';

/** Pause before the second start in a row; the first one is immediate. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A process that served for so long did not fail to start: its next death is a first one again. */
export const SERVED_WELL_MS = 300;

/** How a process ended: by itself with a code, by a signal, or it could not be started at all. */
export type Death = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
  /** It was killed after it had not answered for so long; 0: it was not. */
  readonly silentMs?: number;
};

export type Verdict =
  | { readonly kind: 'restart'; readonly pauseMs: number; readonly failures: number }
  /** It left the cluster, or only an administrator can help: starting it again would do harm, or nothing. */
  | { readonly kind: 'rest'; readonly phase: 'left' | 'halted' };

/** Ends that starting again does not mend. */
const HALTING: readonly (number | null)[] = [EXIT.refused, EXIT.damaged, EXIT.volumeLost, EXIT.tooLarge];

/**
 * What to do about a process that ended although it was to run.
 *
 * @param failures how many times in a row it ended before without having served for a while
 * @param servedMs for how long it served, 0 if it never did
 */
export function afterDeath(death: Death, failures: number, servedMs: number): Verdict {
  if (death.code === EXIT.left) return { kind: 'rest', phase: 'left' };
  if (HALTING.includes(death.code)) return { kind: 'rest', phase: 'halted' };
  const earlier = servedMs >= SERVED_WELL_MS ? 0 : failures;
  const pauseMs = earlier === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (earlier - 1), LONGEST_PAUSE_MS);
  return { kind: 'restart', pauseMs, failures: earlier + 1 };
}

const MEANINGS: ReadonlyMap<number | null, string> = new Map([
  [EXIT.ok, 'stopped by itself'],
  [EXIT.left, 'left the cluster, because it was removed'],
  [EXIT.fenced, 'was fenced, because another process took over as this worker'],
  [EXIT.refused, 'was refused by the cluster or by its volume'],
  [EXIT.lostHistory, 'missed more rollbacks than are remembered'],
  [EXIT.tooLarge, 'has less memory than its state takes'],
  [EXIT.damaged, 'cannot read what is in its data directory'],
  [EXIT.volumeLost, 'lost files that it had open'],
  [EXIT.internal, 'crashed'],
  [EXIT.unclean, 'did not stop in time'],
  [EXIT.config, 'cannot run as configured'],
]);

/** The last words of a process whose heap is full, in Node's own text. */
const HEAP_IS_FULL = 'heap out of memory';

/**
 * A death in plain words.
 *
 * @param lastError the last error that the process told of
 */
export function deathText({ code, signal, error, silentMs = 0 }: Death, lastError: string | undefined): string {
  if (error !== undefined) return `could not be started: ${error.message}`;
  if (silentMs > 0) return `did not answer for ${Math.round(silentMs / 1_000)} s, and was killed`;
  const { aborted, killed } = OUT_OF_MEMORY;
  if (signal === aborted.signal || code === aborted.code) {
    if (lastError?.includes(HEAP_IS_FULL)) {
      return 'ran out of memory: its heap is full. Give it more, by NODE_OPTIONS=--max-old-space-size=MEBIBYTES, or let it keep less';
    }
  }
  if (signal === killed.signal || code === killed.code) {
    return 'was killed by SIGKILL: by hand, or by the system because it ran out of memory (`dmesg` tells)';
  }
  const how = signal === null ? (MEANINGS.get(code) ?? `exited with code ${String(code)}`) : `was killed by ${signal}`;
  return lastError === undefined ? how : `${how}: ${lastError}`;
}
