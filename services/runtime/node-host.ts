/** Node as the host of production. */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks'; // the global of this name is a getter, and slow
import { dialSocket } from './dial-socket.ts';
import type { Host } from './host.ts';
import { connectWebSocket } from './web-socket.ts';

export const nodeHost: Host = {
  now: () => performance.now(),
  wall: () => Date.now(),
  random: () => Math.random(),
  randomBytes,
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
  setImmediate: (run) => setImmediate(run),
  clearImmediate: (timer) => clearImmediate(timer as NodeJS.Immediate | undefined),
  nextTick: (run) => process.nextTick(run),
  dial: (options, user) => dialSocket(nodeHost, connectWebSocket, options, user),
};
