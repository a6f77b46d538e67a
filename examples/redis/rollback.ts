/** What each of these programs takes of the store beside Redis' own commands: to learn of a commit, and of a rollback. */

/** Wait until all that the connection did is committed, as long as it takes. */
export const WAITAOF = ['WAITAOF', '1', '0', '0'];

/** Whether the store told of a rollback in place of executing the command. */
export function isRollback(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('ROLLBACK ');
}

/** Do it, and once more each time that a rollback was told instead: every part of it may be executed twice. */
export async function repeatAfterRollback<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isRollback(error)) throw error;
    }
  }
}
