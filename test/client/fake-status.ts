/** The answer to STATUS of a cluster that a test makes up. */
import type { MemberStatus, MessageOf } from '@dpr/protocol';
import { CLUSTER, STAMP } from './fake-cluster.ts';

export function statusOf(members: readonly Partial<MemberStatus>[]): MessageOf<'statusAnswer'> {
  return {
    kind: 'statusAnswer',
    cluster: CLUSTER,
    stamp: STAMP,
    worldLine: 1,
    membership: 1,
    members: members.map(whole),
    removed: 0,
    undecided: [],
  };
}

function whole(member: Partial<MemberStatus>): MemberStatus {
  return {
    id: 0,
    generation: 1,
    incarnation: 1,
    type: 'counter',
    host: '',
    port: 7000,
    state: 'serving',
    waitingFor: '',
    blockedBy: '',
    executed: 0,
    durable: 0,
    committed: 0,
    allCommitted: false,
    committedAgoMs: undefined,
    durableAgoMs: undefined,
    lagOperations: 0,
    lagMs: 0,
    restarts: 0,
    silentMs: 0,
    ...member,
  };
}
