import { Agent, get } from 'node:http';
import { reachable } from '@dpr/infra/plan';

/** From one question whether a process is live to the next. */
export const QUESTION_MS = 500;
/** A process that has not answered for so long is silent. */
export const SILENT_AFTER_MS = 1_500;
/** One that served, and has been silent for so long, is killed and started again. Kubernetes, whose nodes are shared, waits for 30 s. */
export const RESTART_AFTER_MS = 10_000;
/** A question that is not answered within this is asked again on another connection. */
const ANSWER_TIMEOUT_MS = 2_000;

/**
 * How long a process has been silent. Only time counts in which the supervisor itself ran: when the whole machine stood still, or the
 * clock jumped, no process was late with an answer.
 */
export interface Silence {
  /** It answered. */
  answered(): void;
  /** Some time has passed, `elapsedMs` by the monotonic clock, since this was called last. @returns for how long it has been silent */
  passed(elapsedMs: number): number;
}

/** @param stepMs how often `passed` is called when nothing stands still */
export function measureSilence(stepMs = QUESTION_MS): Silence {
  let silentMs = 0;
  let known = false;
  return {
    answered() {
      known = true;
      silentMs = 0;
    },
    passed(elapsedMs) {
      // One that never answered is not there yet: whether it comes is another question.
      if (known) silentMs += Math.min(elapsedMs, 2 * stepMs);
      return silentMs;
    },
  };
}

export type Liveness = {
  /** The address that the process binds. */
  readonly host: string;
  readonly adminPort: number;
  /** Aborted when the process is gone. */
  readonly gone: AbortSignal;
  /** Called at each question, with for how long the process has not answered; 0: it has since the last one. */
  readonly observe: (silentMs: number) => void;
};

/**
 * Asks a process whether it is live, again and again, until it is gone. All questions go through one connection, so that a process that is
 * out of file descriptors can still answer.
 *
 * @returns what is to be called when it answered something else
 */
export function watchLiveness({ host, adminPort, gone, observe }: Liveness): () => void {
  const silence = measureSilence();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const url = `http://${reachable(host)}:${adminPort}/live`;
  let last = performance.now();
  let asking = false;

  function ask(): void {
    if (asking) return;
    asking = true;
    const request = get(url, { agent, timeout: ANSWER_TIMEOUT_MS }, (response) => {
      silence.answered();
      response.resume();
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => undefined); // it does not answer: it is silent, or about to be gone
    request.on('close', () => (asking = false));
  }

  const look = setInterval(() => {
    const now = performance.now();
    observe(atLeast(silence.passed(now - last)));
    last = now;
    ask();
  }, QUESTION_MS);
  gone.addEventListener(
    'abort',
    () => {
      clearInterval(look);
      agent.destroy();
    },
    { once: true },
  );
  return () => silence.answered();
}

/** An answer that is on its way is no silence. */
function atLeast(silentMs: number): number {
  return silentMs < SILENT_AFTER_MS ? 0 : silentMs;
}
