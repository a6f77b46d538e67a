/** `dpr ensure`: the cluster becomes what is declared, or the command says why it does not. */
import { parseDeclaration, parseIds } from '../declaration.ts';
import { ensureMembership } from '../ensure.ts';
import { openConnection } from '../connection.ts';
import { ingressBehind } from '../ingress-version.ts';
import { ATTEMPT_TIMEOUT_MS, RECEIVE_TIMEOUT_MS } from '../limits.ts';
import type { WorkerStatus } from '../operator.ts';
import { withOperator } from './commands.ts';
import { UsageError } from './complaint.ts';
import type { Settings } from './settings.ts';
import type { Terminal } from './terminal.ts';

/** As commander gives them. */
export interface EnsureWords {
  readonly forceRemove?: string;
  readonly ingress?: string;
  readonly ingressVersion?: string;
  readonly json?: boolean;
}

export async function ensureDeclared(
  settings: Settings,
  terminal: Terminal,
  words: readonly string[],
  { forceRemove, ingress, ingressVersion, json = false }: EnsureWords,
): Promise<void> {
  if ((ingress === undefined) !== (ingressVersion === undefined)) {
    throw new UsageError('--ingress and --ingress-version go together');
  }
  const declared = parseDeclaration(words);
  const forced = new Set(forceRemove === undefined ? [] : parseIds(forceRemove));
  await withOperator(settings, terminal, async (operator) => {
    await ensureMembership(operator, {
      declared,
      forced,
      timeoutMs: settings.connectTimeoutMs,
      unreachable: (worker) => unreachable(settings, worker),
      ingress: async () =>
        ingress === undefined || ingressVersion === undefined ? undefined : ingressBehind(ingress, ingressVersion),
      say: terminal.say,
      signal: terminal.signal,
    });
    const text = `The cluster is as declared: ${declared.size} workers serve.`;
    terminal.print(json ? JSON.stringify({ workers: [...declared.keys()] }) : text);
  });
}

/** Greets a worker once where clients reach it. @returns why it does not answer as itself */
function unreachable({ token = '', ca }: Settings, { id, address }: WorkerStatus): Promise<string | undefined> {
  return new Promise((resolve) => {
    const connection = openConnection(
      {
        address,
        ca,
        greeting: { role: 'client', cluster: undefined, token },
        timing: { attemptTimeoutMs: ATTEMPT_TIMEOUT_MS, receiveTimeoutMs: RECEIVE_TIMEOUT_MS },
      },
      {
        opened({ worker }) {
          connection.close();
          resolve(worker?.id === id ? undefined : `somebody else answers there, ${nameOf(worker)}`);
        },
        frames: () => undefined,
        closed: (error) => resolve(error.message),
      },
    );
  });
}

function nameOf(worker: { readonly id: number } | undefined): string {
  return worker === undefined ? 'a Finder' : `worker ${worker.id}`;
}
