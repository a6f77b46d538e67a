import type { Host, Timer } from './host.ts';

/** Run something after each interval. A process that stood still does it once when it goes on. @returns what ends that */
export function every(host: Pick<Host, 'setTimeout' | 'clearTimeout'>, ms: number, run: () => void): () => void {
  let timer: Timer | undefined;
  const runAgain = (): void => {
    timer = host.setTimeout(runAgain, ms);
    run();
  };
  timer = host.setTimeout(runAgain, ms);
  return () => host.clearTimeout(timer);
}
