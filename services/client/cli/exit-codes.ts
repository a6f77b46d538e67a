/** What the command's exit codes mean; `dpr --help` prints this table. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  unauthorized: 4,
  unknownWorker: 5,
  lost: 6,
  interrupted: 130,
} as const;

export const EXIT_MEANINGS: readonly (readonly [number, string])[] = [
  [EXIT.ok, 'done'],
  [EXIT.failed, 'the cluster refused, or the operation failed'],
  [EXIT.usage, 'the command was not understood'],
  [EXIT.unreachable, 'the cluster does not run, or could not be reached in time'],
  [EXIT.unauthorized, 'the token is missing or wrong'],
  [EXIT.unknownWorker, 'no such worker, a removed one, or one of another type'],
  [EXIT.lost, 'a failure took back what was done, or its outcome is unknown'],
  [EXIT.interrupted, 'interrupted by Ctrl-C'],
];
