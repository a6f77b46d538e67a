/** What STATUS shows. */
import type { MemberStatus, MessageOf } from '@dpr/protocol';
import { waitsFor } from './membership.ts';
import type { MemberRecord } from './record.ts';
import type { Exposed, Finder } from './state.ts';

export function statusAnswer(finder: Finder, exposed: Exposed): MessageOf<'statusAnswer'> {
  const { cluster, worldLine, membership, members, tombstones } = exposed.record;
  return {
    kind: 'statusAnswer',
    cluster,
    stamp: exposed.cut.stamp,
    worldLine,
    membership,
    members: [...members].map(([id, member]) => memberStatus(finder, exposed, id, member)),
    removed: [...tombstones.keys()].filter((id) => !members.has(id)).length,
  };
}

function memberStatus(finder: Finder, exposed: Exposed, id: number, member: MemberRecord): MemberStatus {
  const bound = finder.bound.get(id);
  const progress = bound === undefined ? undefined : finder.peers.get(bound)?.progress;
  const committed = exposed.record.cut.get(id) ?? 0;
  const durable = finder.graph.get(id)?.at(-1)?.version ?? committed;
  const { generation, type, host, port, registered, claimed, firstIncarnation, leaving } = member;
  return {
    id,
    generation,
    incarnation: claimed,
    type,
    host,
    port,
    state: stateOf(bound !== undefined, claimed > registered, leaving),
    waitingFor: leaving ? waitsFor(finder, id) : '',
    executed: Math.max(progress?.version ?? 0, durable),
    durable,
    committed,
    lagOperations: Math.max(0, (progress?.operations ?? 0) - (progress?.committedOperations ?? 0)),
    lagMs: progress?.lagMs ?? 0,
    restarts: Math.max(0, claimed - firstIncarnation),
  };
}

function stateOf(bound: boolean, claiming: boolean, leaving: boolean): MemberStatus['state'] {
  if (!bound && !claiming) return 'away'; // also one that is to leave, which it cannot do by itself then
  if (leaving) return 'leaving';
  return bound ? 'serving' : 'joining';
}
