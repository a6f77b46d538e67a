/** What happens in a cluster, found out from what the Finder tells those who watch. */
import type { Member, MemberStatus, MessageOf, Versions } from '@dpr/protocol';

/** Something that happened. */
export type ClusterEvent =
  /** The worker is a member: for the first time, or in a new generation. */
  | { readonly kind: 'joined'; readonly worker: number; readonly generation: number; readonly type: string }
  /** The worker's process was started anew, and joined again. `restarts`: how often no clean stop preceded that, so far. */
  | { readonly kind: 'restarted'; readonly worker: number; readonly restarts: number }
  /** The worker is connected to the Finder, and has not answered it for so long: nothing that depends on it commits. */
  | { readonly kind: 'silent'; readonly worker: number; readonly forMs: number }
  /** The worker answers again, as the process that it was before. */
  | { readonly kind: 'answersAgain'; readonly worker: number }
  /** The worker is being removed. */
  | { readonly kind: 'leaving'; readonly worker: number }
  | { readonly kind: 'left'; readonly worker: number }
  /** A failure lost something that was not committed, and all workers went back to the cut. */
  | { readonly kind: 'rolledBack'; readonly worldLine: number; readonly from: number }
  /** More is committed: the workers whose version in the cut grew, and by how much. */
  | {
      readonly kind: 'cut';
      readonly worldLine: number;
      readonly advanced: ReadonlyMap<number, { readonly version: number; readonly by: number }>;
    };

export interface EventTracker {
  readonly cut: (message: MessageOf<'cut'>) => void;
  readonly cluster: (message: MessageOf<'cluster'>) => void;
  readonly status: (status: { readonly workers: readonly WorkerNow[] }) => void;
}

/** What of a worker only STATUS tells. */
type WorkerNow = Pick<MemberStatus, 'id' | 'generation' | 'incarnation' | 'restarts' | 'state' | 'silentMs'>;

interface Known {
  readonly generation: number;
  /** Grows with every start. */
  readonly incarnation: number;
  readonly isSilent: boolean;
}

/**
 * What is told first, after connecting, is how things are and no event, but for workers that are silent; what changed while away is told
 * as events.
 */
export function createEventTracker(emit: (event: ClusterEvent) => void): EventTracker {
  let members: ReadonlyMap<number, Member> | undefined;
  let worldLine: number | undefined;
  let cut: Versions = new Map();
  const known = new Map<number, Known>();

  return {
    cluster(message) {
      const now = new Map(message.members.map((member) => [member.id, member]));
      if (members !== undefined) changes(members, now, emit);
      members = now;
    },

    status({ workers }) {
      for (const { id, generation, incarnation, restarts, state, silentMs } of workers) {
        const last = known.get(id);
        const before = last?.generation === generation ? last : undefined;
        const isSame = before?.incarnation === incarnation;
        if (before !== undefined && incarnation > before.incarnation) emit({ kind: 'restarted', worker: id, restarts });
        const wasSilent = isSame && before.isSilent;
        // One that is away now may be about to answer again, or to be started anew.
        const isSilent = silentMs > 0 || (wasSilent && state === 'away');
        if (isSilent && !wasSilent) emit({ kind: 'silent', worker: id, forMs: silentMs });
        if (wasSilent && !isSilent) emit({ kind: 'answersAgain', worker: id });
        known.set(id, { generation, incarnation, isSilent });
      }
    },

    cut(message) {
      if (worldLine !== undefined && message.worldLine > worldLine) {
        emit({ kind: 'rolledBack', worldLine: message.worldLine, from: worldLine });
      }
      const advanced = new Map<number, { version: number; by: number }>();
      for (const [id, version] of message.cut) {
        const by = version - (cut.get(id) ?? 0);
        if (by > 0) advanced.set(id, { version, by });
      }
      if (worldLine !== undefined && advanced.size > 0) emit({ kind: 'cut', worldLine: message.worldLine, advanced });
      worldLine = message.worldLine;
      cut = message.cut;
    },
  };
}

function changes(
  before: ReadonlyMap<number, Member>,
  now: ReadonlyMap<number, Member>,
  emit: (event: ClusterEvent) => void,
): void {
  for (const [id, { generation, type, leaving }] of now) {
    const known = before.get(id);
    if (known?.generation !== generation) emit({ kind: 'joined', worker: id, generation, type });
    if (leaving && !(known?.leaving === true && known.generation === generation)) emit({ kind: 'leaving', worker: id });
  }
  for (const [id] of before) if (!now.has(id)) emit({ kind: 'left', worker: id });
}
