/**
 * How long to go on with one call: until one of several signals aborts, or a time is up. `AbortSignal.any` would leave a trace of each
 * call at every signal that outlives it; here nothing is left once the patience was ended.
 */
export interface Patience {
  /** Aborts with the reason of the signal that did, or with a `TimeoutError`. */
  readonly signal: AbortSignal;
  /** To be called when the call is over, however it ended. */
  readonly end: () => void;
}

export interface Bounds {
  /** Each may outlive the call; undefined ones never abort. */
  readonly signals: readonly (AbortSignal | undefined)[];
  /** How long the call may take, ms; undefined: for ever. */
  readonly ms?: number | undefined;
  /** What it is aborted with when its time is up. */
  readonly late?: Error;
}

export function patience({ signals, ms, late }: Bounds): Patience {
  const own = new AbortController();
  const given = signals.filter((signal) => signal !== undefined);
  const aborted = (event: Event): void => own.abort((event.target as AbortSignal).reason);
  for (const signal of given) {
    if (signal.aborted) own.abort(signal.reason);
    else signal.addEventListener('abort', aborted, { once: true });
  }
  const timeUp = (): void => own.abort(late ?? new DOMException(`not done within ${ms ?? 0} ms`, 'TimeoutError'));
  const timer = ms === undefined ? undefined : setTimeout(timeUp, ms);
  return {
    signal: own.signal,
    end() {
      clearTimeout(timer);
      for (const signal of given) signal.removeEventListener('abort', aborted);
    },
  };
}

/** Does one call with patience. @throws what the call throws, which may be the reason of the signal */
export async function withPatience<T>(bounds: Bounds, call: (signal: AbortSignal) => PromiseLike<T>): Promise<T> {
  const { signal, end } = patience(bounds);
  try {
    return await call(signal);
  } finally {
    end();
  }
}
