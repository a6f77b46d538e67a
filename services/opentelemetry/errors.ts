import { inspect } from 'node:util';

/** The reason that a signal was aborted with may be anything. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(inspect(error));
}

/** What OpenTelemetry's conventions call `error.type`: the code of a DprError, or the class. */
export function errorType(error: unknown): string {
  const known = asError(error);
  return 'code' in known && typeof known.code === 'string' ? known.code : known.name;
}
