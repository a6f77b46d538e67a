/** Opens the port of a server, or says why that is not possible and what to do. */
import type { Server } from 'node:net';
import { EXIT, ProcessError } from './exit-codes.ts';

/** Where a server listens. */
interface Address {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** @param which what the port is for, such as `admin port` @throws ProcessError when it cannot be opened */
export async function bindPort(server: Server, which: string, { host, port }: Address): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    throw cannotListen(which, { host, port }, error);
  }
}

function cannotListen(which: string, { host, port }: Address, error: unknown): ProcessError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const reason = error instanceof Error ? error.message : String(error);
  const advice =
    code === 'EADDRINUSE'
      ? 'another process uses it: stop that one, or choose another port'
      : `it is not usable: ${reason}`;
  return new ProcessError(`cannot listen at ${which} ${port} of ${host}; ${advice}`, EXIT.config, { cause: error });
}
