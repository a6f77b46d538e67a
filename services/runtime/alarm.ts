import type { Host, Timer } from './host.ts';

/** A timer for state machines that say after each step when they want to be woken. */
export interface Alarm {
  /** Ring at `at`, in the time of the host's `now()`, or earlier; Infinity asks for nothing. */
  set(at: number): void;
  cancel(): void;
}

/** One that is set already and rings this much too late is left alone, since steps may name the same time a little differently. */
const TOLERANCE_MS = 1;

/** An alarm may ring too early: a ring costs nothing, while setting a timer for every step would. */
export function alarm(host: Host, ring: () => void): Alarm {
  return new HostAlarm(host, ring);
}

/** A class, since each of many sessions has one. */
class HostAlarm implements Alarm {
  readonly #host: Host;
  readonly #ring: () => void;
  #dueAt = Infinity;
  #timer: Timer | undefined;
  #immediate: Timer | undefined;

  constructor(host: Host, ring: () => void) {
    this.#host = host;
    this.#ring = ring;
  }

  set(at: number): void {
    if (at !== Infinity && at <= this.#dueAt - TOLERANCE_MS) this.#setTo(at);
  }

  /** Apart, since a function that makes another one takes memory for its variables at every call. */
  #setTo(at: number): void {
    this.cancel();
    this.#dueAt = at;
    const delay = at - this.#host.now();
    const rings = (): void => {
      this.#dueAt = Infinity;
      this.#timer = this.#immediate = undefined;
      this.#ring();
    };
    if (delay <= 0) this.#immediate = this.#host.setImmediate(rings);
    else this.#timer = this.#host.setTimeout(rings, Math.ceil(delay));
  }

  cancel(): void {
    this.#host.clearTimeout(this.#timer);
    this.#host.clearImmediate(this.#immediate);
    this.#timer = this.#immediate = undefined;
    this.#dueAt = Infinity;
  }
}
