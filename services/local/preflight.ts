import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import type { LocalPlan, LocalProcess } from '@dpr/infra/plan';

/**
 * What stands in the way of starting processes, each in a sentence that says what to do.
 *
 * @param own ports that the cluster itself uses at present
 */
export async function obstacles(
  processes: readonly LocalProcess[],
  host: string,
  own: ReadonlySet<number>,
): Promise<string[]> {
  const busy = await Promise.all(processes.map((process) => busyPorts(process, host, own)));
  return [...new Set([...processes.flatMap(missingPrograms), ...busy.flat()])];
}

/** The processes of a plan, the Finder first. */
export function processesOf(plan: LocalPlan): LocalProcess[] {
  return [plan.finder, ...plan.workers];
}

/** What is wrong with the host, at any port. */
const NO_SUCH_ADDRESS: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN']);
const PORT_OWNERS = { public: 'port', control: 'control port', admin: 'admin port', resp: 'RESP port' } as const;

async function busyPorts({ name, ports }: LocalProcess, host: string, own: ReadonlySet<number>): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(ports).map(async ([kind, port]) => {
      const code = own.has(port) ? undefined : await bindError(host, port);
      if (code === undefined) return [];
      if (NO_SUCH_ADDRESS.has(code)) return [`this machine has no address ${host}: choose another --host`];
      const what = `${PORT_OWNERS[kind as keyof typeof PORT_OWNERS]} ${port} of ${name}`;
      return [`${what} ${whyNot(code, host)}`];
    }),
  );
  return found.flat();
}

function whyNot(code: string, host: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `is in use by another program: stop that one, or set dpr:basePort or the worker's "port" in the config`;
    case 'EACCES':
      return 'may only be used by the administrator of this machine: set a dpr:basePort above 1023 in the config';
    default:
      return `cannot be opened at ${host}: ${code}`;
  }
}

/** Why a port cannot be listened at; undefined when it can. */
function bindError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** A port that no process listens at now. */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen({ host, port: 0 }, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Programs that Node runs are looked for as well: without them it would say so only once started, again and again. */
function missingPrograms({ name, command }: LocalProcess): string[] {
  const [program = '', script = ''] = command;
  const fix = `${name} cannot be started: correct its command in the config (dpr:commands)`;
  if (!isProgram(program)) return [`there is no program ${program}, so ${fix}`];
  const isScript = /\.[cm]?[jt]s$/.test(script);
  return isScript && !existsSync(script) ? [`there is no file ${script}, so ${fix}, or run "npm run build"`] : [];
}

function isProgram(program: string): boolean {
  const folders = program.includes('/') ? [''] : (process.env.PATH ?? '').split(path.delimiter);
  return folders.some((folder) => isExecutable(folder === '' ? program : path.join(folder, program)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
