/** Whether what the page shows is how the cluster is. Pure. */

/** An update comes about once a second: after this long, what is shown is old. */
export const STALE_AFTER_MS = 2_000;

/**
 * @param heardAt when the server was heard last, or when the page was opened, by a clock in ms that never goes back
 * @returns for how long the console has not answered, in whole seconds; undefined while it is live
 */
export function silentSeconds(heardAt: number, now: number): number | undefined {
  const silentMs = now - heardAt;
  return silentMs < STALE_AFTER_MS ? undefined : Math.floor(silentMs / 1_000);
}
