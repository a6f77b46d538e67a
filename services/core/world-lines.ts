/** What the history of decisions says of a version: did it survive? Used alike by Finder, workers and sessions. */
import { MAX_DECISION_ENTRIES, MAX_DECISIONS, type Decision } from '@dpr/protocol';

/**
 * The largest version of `worker`, written in world-line `since`, that every later decision kept; Infinity if there was none.
 * Versions are compared with the prefix of each decision after `since`, never with the latest alone.
 */
export function survivingVersion(decisions: readonly Decision[], worker: number, since: number): number {
  let surviving = Infinity;
  for (const decision of decisions) {
    if (decision.worldLine > since) surviving = Math.min(surviving, decision.prefix.get(worker) ?? 0);
  }
  return surviving;
}

/** The decisions after world-line `since`, or nothing if `decisions` does not reach back that far. */
export function decisionsAfter(
  decisions: readonly Decision[],
  since: number,
  current: number,
): readonly Decision[] | undefined {
  const missing = decisions.filter((decision) => decision.worldLine > since);
  return missing.length === current - since ? missing : undefined;
}

/** Drop the oldest decisions beyond the limits; the newest one always stays. */
export function pruneDecisions(decisions: readonly Decision[], maxDecisions = MAX_DECISIONS): Decision[] {
  let entries = 0;
  let kept = 0;
  for (const decision of decisions.toReversed()) {
    entries += decision.prefix.size + decision.entitled.size;
    if (kept > 0 && (kept >= maxDecisions || entries > MAX_DECISION_ENTRIES)) break;
    kept++;
  }
  return decisions.slice(decisions.length - kept);
}
