/**
 * What a scenario plays on: a Finder, counters, and the client under test. By themselves they greet, tell the membership and the
 * cut, and answer batches of an old world-line; everything else is the scenario's to do.
 */
import type { Decision, ErrorCode, MessageOf } from '@dpr/protocol';
import { checkKind, openParty, type Party } from './scripted-server.ts';
import { createRules, type Rules } from './batch-rules.ts';
import type { GameServer } from './server.ts';
import type { Subject } from './client-under-test.ts';
import {
  addMember,
  clusterOf,
  createTruth,
  decisionsAfter,
  errorOf,
  ownCut,
  removeMember,
  rollBack,
  welcomeOf,
  wholeCut,
  type Truth,
} from './cluster-truth.ts';
import { openWorker, type Backstage, type Worker } from './scripted-worker.ts';

export interface Stage {
  readonly client: Subject;
  readonly finder: Party;
  readonly truth: Truth;
  readonly rules: Rules;
  /** The counter with this id, there from the beginning: 0 or 1. */
  worker(id: number): Worker;
  /** A worker that begins now, as a member or not. */
  addWorker(id: number, generation: number): Promise<Worker>;
  /** The worker is no member any more. */
  removeWorker(worker: Worker): void;
  /** A new world-line begins, and goes back to this prefix. No client is told yet. */
  rollBack(prefix: Readonly<Record<number, number>>): Decision;
  cut(worker: number, decisions: readonly Decision[]): MessageOf<'cut'>;
  error(code: ErrorCode, detail?: number): MessageOf<'error'>;
}

export interface OpenStage extends Omit<Stage, 'client'> {
  readonly port: number;
  /** What went wrong without being waited for. */
  readonly violations: readonly string[];
  /** Error codes that the client was given. */
  readonly codes: ReadonlySet<ErrorCode>;
  close(): Promise<void>;
}

export async function openStage(patienceMs: number): Promise<OpenStage> {
  const truth = createTruth();
  const rules = createRules();
  const violations: string[] = [];
  const codes = new Set<ErrorCode>();
  const shared: Backstage = { truth, rules, patienceMs, violations, codes };
  const finder = await openFinder(shared);
  const servers: GameServer[] = [finder.server];

  async function addWorker(id: number, generation: number): Promise<Worker> {
    const { server, worker } = await openWorker(shared, id, generation);
    servers.push(server);
    addMember(truth, id, generation, server.port);
    return worker;
  }

  const workers = [await addWorker(0, 1), await addWorker(1, 1)];

  return {
    port: finder.server.port,
    finder: finder.party,
    truth,
    rules,
    violations,
    codes,
    worker(id) {
      const found = workers[id];
      if (found === undefined) throw new Error(`the stage has no worker ${id}`);
      return found;
    },
    addWorker,
    removeWorker({ id, generation }) {
      removeMember(truth, id, generation);
      rules.removed(id, generation);
    },
    rollBack: (prefix) => rollBack(truth, prefix),
    cut: (worker, decisions) => ownCut(truth, worker, decisions),
    error(code, detail) {
      codes.add(code);
      return errorOf(code, detail);
    },
    async close() {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

function openFinder({ truth, patienceMs, violations }: Backstage): ReturnType<typeof openParty> {
  return openParty({
    ...{ name: 'the Finder', patienceMs, violations },
    usual: () => welcomeOf(truth),
    reflex(peer, message) {
      checkKind('the Finder', message, ['refresh', 'fetchCluster']);
      if (message.kind === 'refresh') peer.send(wholeCut(truth, decisionsAfter(truth, message.worldLine)));
      if (message.kind === 'fetchCluster') peer.send(clusterOf(truth, message.known));
      return false; // a scenario may wait for it
    },
  });
}
