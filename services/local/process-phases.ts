/** The phases of one supervised process, as it starts, serves, falls silent and answers again. */
import type { LocalProcess } from '@dpr/infra/plan';
import type { LocalEvent, Phase } from './events.ts';
import { RESTART_AFTER_MS } from './liveness.ts';

export type ProcessState = {
  readonly phase: Phase;
  /** Of the process that there is, if any. */
  readonly pid: number | undefined;
  /** When this phase began, ms since 1970. */
  readonly since: number;
  /** How many times it was started after it ended by itself. */
  readonly restarts: number;
  /** For how long it has not answered, ms; 0 unless it is silent. */
  readonly silentMs: number;
};

export type Lifecycle = {
  readonly state: ProcessState;
  become(phase: Phase, change?: Partial<ProcessState>): void;
  /** Another process was launched. */
  launched(pid: number | undefined, restarts: number): void;
  /** It serves. @param startedAt by the monotonic clock */
  ready(startedAt: number): void;
  /** @param silentMs for how long it has not answered, 0 if it does */
  noteSilence(silentMs: number): void;
  /** Is it to be killed, because it has not answered for so long? */
  isLost(silentMs: number): boolean;
  /** Has the present process, or the last one, served? */
  hasServed(): boolean;
  /** For how long, ms. */
  servedMs(): number;
};

/** @param changed is called after every change of the state */
export function createLifecycle(
  spec: LocalProcess,
  emit: (event: () => LocalEvent) => void,
  changed: () => void,
): Lifecycle {
  const { name, ports } = spec;
  const { resp } = ports;
  let state: ProcessState = { phase: 'idle', pid: undefined, since: Date.now(), restarts: 0, silentMs: 0 };
  let servingSince: number | undefined;

  function become(phase: Phase, change: Partial<ProcessState> = {}): void {
    state = { ...state, silentMs: 0, ...change, phase, since: Date.now() };
    changed();
  }

  return {
    get state() {
      return state;
    },
    become,
    launched(pid, restarts) {
      servingSince = undefined;
      become('starting', { pid, restarts });
    },
    ready(startedAt) {
      if (state.phase !== 'starting' && state.phase !== 'silent') return;
      servingSince = performance.now();
      const afterMs = Math.round(servingSince - startedAt);
      become('serving');
      emit(() => ({
        event: 'processServing',
        process: name,
        afterMs,
        ...(resp === undefined ? {} : { respPort: resp }),
      }));
    },
    noteSilence(silentMs) {
      const { phase, silentMs: beforeMs } = state;
      if (phase === 'silent' && silentMs > 0) {
        state = { ...state, silentMs };
      } else if (phase === 'silent') {
        become(servingSince === undefined ? 'starting' : 'serving');
        emit(() => ({ event: 'processAnswers', process: name, afterMs: beforeMs }));
      } else if (silentMs > 0 && (phase === 'starting' || phase === 'serving')) {
        become('silent', { silentMs });
        const restart = servingSince === undefined ? {} : { restartAfterMs: RESTART_AFTER_MS };
        emit(() => ({ event: 'processSilent', process: name, silentMs, holdsUp: heldUpBy(spec), ...restart }));
      }
    },
    // One that has not served yet may be loading what it holds, however long that takes: killed, it would begin again.
    isLost: (silentMs) => state.phase === 'silent' && servingSince !== undefined && silentMs >= RESTART_AFTER_MS,
    hasServed: () => servingSince !== undefined,
    servedMs: () => (servingSince === undefined ? 0 : performance.now() - servingSince),
  };
}

/** What does not go on while a process stands still. */
function heldUpBy(spec: LocalProcess): string {
  return 'id' in spec ? `nothing that depends on worker ${String(spec.id)} commits` : 'nothing commits';
}
