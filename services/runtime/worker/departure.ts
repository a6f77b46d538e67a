/**
 * A worker that left, in a pod. Its container is started again until the pod is deleted, and must not join as a new generation by
 * that. So it leaves a note beside its directory with the pod's name in it; another pod, of a worker added again, takes no notice.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { serveAdmin } from '../admin.ts';
import { deferred } from '../deferred.ts';
import type { WorkerSettings } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import type { Log } from '../log.ts';
import { processMetrics } from '../metrics.ts';
import type { Running } from '../process.ts';

/** Runs the worker, or stays idle where it left in this same pod. @param pod unique; undefined: there is no pod */
export async function startUnlessLeft(
  settings: WorkerSettings,
  pod: string | undefined,
  log: Log,
  start: () => Promise<Running>,
): Promise<Running> {
  if (pod === undefined || pod === '') return start();
  const note = `${settings.data}.left`;
  const leaver = await readFile(note, 'utf8').catch(() => '');
  if (leaver === pod) return stayAway(settings, log);
  await rm(note, { force: true });
  const running = await start();
  const ended = running.ended.then(async (code) => {
    if (code === EXIT.left) await writeFile(note, pod);
    return code;
  });
  return { ended, stop: () => running.stop() };
}

/** Answers probes, so that the pod is left alone, and waits to be stopped. */
async function stayAway({ host, adminPort }: WorkerSettings, log: Log): Promise<Running> {
  const { promise: ended, resolve: end } = deferred<number>();
  const admin = await serveAdmin({
    host,
    port: adminPort,
    log,
    metrics: processMetrics(),
    startup: () => undefined,
    ready: () => 'the worker left the cluster',
  });
  log.info({ event: 'idle', reason: 'the worker left the cluster, and waits for its pod to be deleted' });
  return {
    ended,
    stop() {
      void admin.close().then(() => end(EXIT.ok));
    },
  };
}
