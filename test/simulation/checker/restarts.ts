/** What it costs that workers start again: an incarnation for each process, and a world-line only where one may have lost something. */
import type { FinderRecord } from '../../../services/core/index.ts';
import { violated, workerOf, type Truth } from './truth.ts';

export function checkRestarts(truth: Truth) {
  const { worldOf } = truth;
  /** Worker to its last claim. */
  const claims = new Map<number, { readonly boot: string; readonly generation: number; readonly claimed: number }>();
  /** Worker to the incarnation that was let in last, durably or by the Finder that runs. */
  const letIn = new Map<number, number>();
  /** World-line to those that had been let in when it was decided. */
  const letInBefore = new Map<number, ReadonlyMap<number, number>>();

  /** A Finder goes on from there: what the one before did after that never was. */
  function loaded(record: FinderRecord | undefined): void {
    letIn.clear();
    for (const [id, { claimed, registered }] of record?.members ?? []) {
      letIn.set(id, claimed);
      workerOf(truth, id).registered = registered;
    }
  }

  /** The Finder did that, and it is not durable yet. */
  function logged(event: string, { worker, incarnation, worldLine, reason }: Readonly<Record<string, unknown>>): void {
    if (typeof worker !== 'number') return;
    if (event === 'claimed') claimed(worker, Number(incarnation));
    if (event === 'registered') registered(worker, Number(incarnation));
    if (event === 'rollback') {
      if (reason === 'a worker restarted without a clean shutdown') restarted(worker, Number(worldLine));
      letInBefore.set(Number(worldLine), new Map(letIn));
    }
  }

  /** However often a process claims: it is one incarnation. */
  function claimed(worker: number, incarnation: number): void {
    letIn.set(worker, incarnation);
    const now = worldOf().finder.process?.core.record.members.get(worker);
    const before = claims.get(worker);
    if (now === undefined) return;
    claims.set(worker, now);
    if (before?.boot === now.boot && before.generation === now.generation && before.claimed < now.claimed)
      violated(9, `one process of worker ${worker} is incarnation ${before.claimed}, and then ${now.claimed}`);
  }

  function registered(worker: number, incarnation: number): void {
    const own = workerOf(truth, worker);
    if (incarnation === own.registered) violated(9, `incarnation ${incarnation} of worker ${worker} registers twice`);
    own.registered = incarnation;
  }

  /** A world-line begins because a worker did: its last process may have executed something in the one before, and lost it. */
  function restarted(worker: number, worldLine: number): void {
    const own = workerOf(truth, worker);
    if (own.stoppedCleanly === own.registered && !lostItsMarker(worker)) {
      violated(15, `worker ${worker} stopped cleanly as incarnation ${own.registered}, and is rolled back`);
    }
    const successor = letInBefore.get(worldLine - 1)?.get(worker) ?? 0;
    if (own.registered < successor) {
      const text = `incarnation ${successor} of worker ${worker} was let in before world-line ${worldLine - 1}`;
      violated(15, `${text}, in which nothing of ${own.registered} can be, and world-line ${worldLine} takes it back`);
    }
  }

  /** Were its files moved away, or was it claimed by a process that slept while the worker got another disk? No marker is where it looks. */
  function lostItsMarker(worker: number): boolean {
    const host = worldOf().hosts.get(worker);
    if (host?.isLost === true) return true;
    const boot = worldOf().finder.process?.core.record.members.get(worker)?.boot;
    const claimer = host?.processes.find(({ core }) => core.boot === boot);
    return claimer !== undefined && claimer.disk !== host?.disk;
  }

  return { loaded, logged };
}
