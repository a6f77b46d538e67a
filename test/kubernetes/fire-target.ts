/** A deployed cluster under fire: clients come through its ingress, and pods are killed. */
import { connect, type Cluster } from '@dpr/client';
import { workerNamed } from '@dpr/infra/plan';
import { kubernetesTarget } from '../../services/chaos/kubernetes-target.ts';
import { type Fault, type Outage, TargetError } from '../../services/chaos/target.ts';
import type { FireTarget } from '../cluster/fire/target.ts';
import type { Deployments } from './deployments.ts';

export interface DeployedTarget extends FireTarget {
  /** Ends the connections that it made. */
  end(): Promise<void>;
}

/** @param respBasePort of the stack */
export async function deployedTarget(deployed: Deployments, respBasePort: number): Promise<DeployedTarget> {
  const address = await deployed.output('finderUrl');
  const pods = await kubernetesTarget({ context: undefined, namespace: deployed.namespace });
  const clients: Cluster[] = [];
  const ending = new AbortController();
  /** Processes that do not serve yet since something was done to them. */
  const away = new Set<string>();

  /** @returns undefined: it has another fault, or there is none */
  async function inject(name: string, fault: Fault): Promise<Outage | undefined> {
    if (away.has(name)) return undefined;
    away.add(name);
    try {
      return await pods.inject({ name, role: workerNamed(name) === undefined ? 'finder' : 'worker' }, fault);
    } catch (error) {
      away.delete(name);
      if (error instanceof TargetError) return undefined; // another strike was faster
      throw error;
    }
  }

  async function isBack(name: string, outage: Outage): Promise<void> {
    await outage.recovered(ending.signal);
    away.delete(name);
  }

  return {
    host: new URL(address).hostname,
    respPort: (store) => respBasePort + store,
    async connect() {
      const client = await connect({ cluster: address });
      clients.push(client);
      return client;
    },
    allServe: () => away.size === 0,
    async kill(name) {
      // A pod whose container is killed again and again waits before it starts once more; a new pod does not.
      const outage = await inject(name, { kind: 'crash' });
      if (outage === undefined) return false;
      isBack(name, outage).catch(() => undefined); // then all are never there again, which is told
      return true;
    },
    async holdStill(name, ms) {
      const outage = await inject(name, { kind: 'stop', forMs: ms });
      if (outage === undefined) return false;
      await isBack(name, outage).catch(() => undefined);
      return true;
    },
    async end() {
      ending.abort();
      await pods.release();
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}
