/** What production's programs take from their host, given by the simulation to one process: time, chance and timers. */
import type { Host, Timer } from '../../services/runtime/host.ts';
import { CLOCK_STEP_MS, type Process } from './scheduler.ts';
import type { World } from './world.ts';

export interface SimHost extends Host {
  /** Let something happen in the process that may settle promises. */
  readonly enter: (run: () => void) => void;
  readonly timersSet: () => number;
  /** Is this what a timer does? */
  readonly isTimer: (run: () => void) => boolean;
}

export interface HostParts extends Pick<Host, 'dial'> {
  /** The time of day that the process sees, ms. */
  readonly wall: () => number;
  /** The process slept when a timer was due. */
  readonly slept?: () => void;
}

export function createSimHost(world: World, process: Process, { wall, dial, slept }: HostParts): SimHost {
  const { scheduler, random } = world;
  const timers = new Set<Timer>();
  const timerRuns = new WeakSet<() => void>();

  function enter(run: () => void): void {
    world.hasPromises = true;
    run();
  }

  function after(run: () => void, ms: number): Timer {
    const timer = {};
    timers.add(timer);
    const dueAt = scheduler.now + Math.max(CLOCK_STEP_MS, ms);
    const expire = (): void => {
      if (scheduler.now > dueAt) slept?.();
      if (timers.delete(timer)) enter(run);
    };
    timerRuns.add(expire);
    scheduler.at(dueAt, process, expire);
    return timer;
  }

  function cancel(timer: Timer | undefined): void {
    if (timer !== undefined) timers.delete(timer);
  }

  return {
    enter,
    timersSet: () => timers.size,
    isTimer: (run) => timerRuns.has(run),
    now: () => scheduler.now - process.bornAt,
    wall,
    random: () => random.next(),
    randomBytes: (count) => Buffer.from(random.hex(count), 'hex'),
    setTimeout: after,
    clearTimeout: cancel,
    setImmediate: (run) => after(run, 0),
    clearImmediate: cancel,
    nextTick: (run) => scheduler.atTickEnd(process, run),
    dial,
  };
}
