/** `dpr ensure`: the cluster becomes what is declared, or the command says why it does not. */
import { nodeHost } from '@dpr/runtime/node-host';
import { parseDeclaration, parseIds } from '../operator/parse-declaration.ts';
import { ensureMembership } from '../operator/ensure.ts';
import { openConnection } from '../connection/connection.ts';
import { ingressBehind } from '../operator/ingress-version.ts';
import { ATTEMPT_TIMEOUT_MS, RECEIVE_TIMEOUT_MS } from '../limits.ts';
import type { WorkerStatus } from '../operator/operator.ts';
import { withOperator } from './commands.ts';
import { UsageError } from './error-report.ts';
import type { Settings } from './settings.ts';
import type { Terminal } from './terminal.ts';

/** The declaration of a cluster without workers. */
const NONE = 'none';

/** As commander gives them. */
export interface EnsureWords {
  readonly removeOthers?: boolean;
  readonly forceRemove?: string;
  readonly ingress?: string;
  readonly ingressVersion?: string;
  readonly json?: boolean;
}

export async function ensureDeclared(
  settings: Settings,
  terminal: Terminal,
  words: readonly string[],
  { removeOthers = false, forceRemove, ingress, ingressVersion, json = false }: EnsureWords,
): Promise<void> {
  if ((ingress === undefined) !== (ingressVersion === undefined)) {
    throw new UsageError('--ingress and --ingress-version go together');
  }
  if (words.length === 0) throw new UsageError(`name the workers, as in counter:0-4, or say ${NONE}`);
  if (words.includes(NONE) && words.length > 1) throw new UsageError(`${NONE} stands alone`);
  if (forceRemove !== undefined && !removeOthers) {
    throw new UsageError('--force-remove removes workers, and needs --remove-others');
  }
  const declared = parseDeclaration(words.filter((word) => word !== NONE));
  const forced = new Set(forceRemove === undefined ? [] : parseIds(forceRemove));
  await withOperator(settings, terminal, async (operator) => {
    await ensureMembership(operator, {
      declared,
      removeOthers,
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
        host: nodeHost,
        address,
        ca,
        greeting: { role: 'client', cluster: undefined, token },
        timing: { attemptTimeoutMs: ATTEMPT_TIMEOUT_MS, receiveTimeoutMs: RECEIVE_TIMEOUT_MS },
      },
      {
        opened({ worker }) {
          connection.close();
          resolve(worker?.id === id ? undefined : `another server answers there, ${nameOf(worker)}`);
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
