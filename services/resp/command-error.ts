/** A command did not come about: its reply is this error, and nothing was done. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
