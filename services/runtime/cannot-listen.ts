/** Why a port cannot be opened, and what to do. */
import { EXIT, ProcessError } from './exit-codes.ts';

/** @param which what the port is for, such as `admin port` */
export function cannotListen(which: string, { host, port }: { host: string; port: number }, error: unknown) {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const reason = error instanceof Error ? error.message : String(error);
  const advice =
    code === 'EADDRINUSE'
      ? 'another process uses it: stop that one, or choose another port'
      : `it is not usable: ${reason}`;
  return new ProcessError(`cannot listen at ${which} ${port} of ${host}; ${advice}`, EXIT.config, { cause: error });
}
