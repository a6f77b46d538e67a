/** What the cluster on the stage is at, and the frames that tell it. */
import { PROTOCOL_VERSION, type Decision, type ErrorCode, type Member, type MessageOf } from '@dpr/protocol';

export const CLUSTER = 'c1000000000000000000000000000001';
const STAMP = { start: 'f100000000000001', counter: 1 };

/** What the cluster is at: its world-line, the decisions that began it and earlier ones, and the cut. */
export interface Truth {
  worldLine: number;
  decisions: Decision[];
  readonly cut: Map<number, number>;
  members: Member[];
  removed: { id: number; generation: number }[];
  /** Of the membership. */
  version: number;
}

export function createTruth(): Truth {
  return { worldLine: 1, decisions: [], cut: new Map(), members: [], removed: [], version: 1 };
}

export function welcomeOf({ worldLine }: Truth, worker?: MessageOf<'welcome'>['worker']): MessageOf<'welcome'> {
  return { kind: 'welcome', protocol: PROTOCOL_VERSION, cluster: CLUSTER, worldLine, controlPort: 0, worker };
}

/** The decisions that began the world-lines after this one. */
export function decisionsAfter({ decisions }: Truth, worldLine: number): readonly Decision[] {
  return decisions.filter((one) => one.worldLine > worldLine);
}

export function wholeCut({ worldLine, cut }: Truth, decisions: readonly Decision[]): MessageOf<'cut'> {
  return { kind: 'cut', stamp: STAMP, worldLine, decisions, cut };
}

/** As a worker tells the cut: no entry but its own. */
export function ownCut(truth: Truth, id: number, decisions: readonly Decision[]): MessageOf<'cut'> {
  return { ...wholeCut(truth, decisions), cut: new Map([[id, truth.cut.get(id) ?? 0]]) };
}

/** @param known the membership that the client has already */
export function clusterOf({ version, members, removed }: Truth, known: number): MessageOf<'cluster'> {
  const lists = known === version ? { members: [], removed: [] } : { members, removed };
  return { kind: 'cluster', cluster: CLUSTER, version, ...lists };
}

export function errorOf(code: ErrorCode, detail = 0): MessageOf<'error'> {
  return { kind: 'error', code, session: undefined, sequence: 0, detail, text: `a test of ${code}` };
}

/** In place of an earlier member with its id, if there is one. */
export function addMember(truth: Truth, id: number, generation: number, port: number): void {
  const member = { id, generation, type: 'counter', host: '', port, leaving: false };
  truth.members = [...truth.members.filter((one) => one.id !== id), member];
  truth.version++;
}

export function removeMember(truth: Truth, id: number, generation: number): void {
  truth.members = truth.members.filter((one) => one.id !== id);
  truth.removed = [...truth.removed, { id, generation }];
  truth.version++;
}

/** Begin a new world-line at this prefix. */
export function rollBack(truth: Truth, prefix: Readonly<Record<number, number>>): Decision {
  truth.worldLine++;
  const versions = new Map(Object.entries(prefix).map(([id, version]) => [Number(id), version]));
  const entitled = new Map(truth.members.map(({ id }) => [id, 1]));
  const decision = { worldLine: truth.worldLine, prefix: versions, entitled };
  truth.decisions = [...truth.decisions, decision];
  truth.cut.clear();
  for (const [id, version] of versions) truth.cut.set(id, version);
  return decision;
}
