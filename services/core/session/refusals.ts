/** What a session makes of a refusal: nothing executed, and most are answered by sending again a little later. */
import type { MessageOf } from '@dpr/protocol';
import { emit, endSession, type Lane, type Session } from './state.ts';

/** `lane`: where it came from; undefined if from the Finder. */
export function refused(session: Session, lane: Lane | undefined, message: MessageOf<'error'>): void {
  const { code, text } = message;
  switch (code) {
    case 'sequenceGap': {
      const oldest = lane?.sent.find((call) => call.version === 0);
      if (!lane || !oldest || session.verdict !== undefined) return;
      if (message.detail < oldest.sequence && message.detail <= lane.acknowledged) {
        return endSession(session, 'protocolViolation', `worker ${lane.worker} forgot the session: ${text}`);
      }
      return later(session, lane, session.config.retryMs);
    }
    case 'leaving':
    case 'wrongGeneration':
      emit(session, { kind: 'fetchCluster' });
      return backOff(session, lane);
    case 'needDecisions': // the Finder tells the worker
    case 'overloaded':
    case 'notServing':
    case 'windowExceeded':
      return backOff(session, lane);
    case 'sessionExpired':
      // The worker may have met a copy of a batch whose reply arrived here, and that it does not keep any more.
      if (lane !== undefined && message.sequence > 0 && !isUnanswered(lane, message.sequence)) return;
      return endSession(session, code, text);
    case 'malformed':
      return endSession(session, code, lane === undefined ? text : `worker ${lane.worker}: ${text}`);
    case 'absurdVersion':
      if (lane) absurd(session, lane, text);
      return;
    case 'dependencyAboveVersion':
    case 'tooManySessions':
      return endSession(session, code, text);
    case 'historyLost': // detail: the oldest decision that is remembered; another session's question may have been the one refused
      if (session.worldLine + 1 < message.detail) endSession(session, code, text);
      return;
    default:
      return; // about the connection, not about this session
  }
}

/** The session has seen a worker that is ahead of all that the refusing one knows: that is told once it has reported a checkpoint. */
function absurd(session: Session, lane: Lane, text: string): void {
  lane.absurdSince = Math.min(lane.absurdSince, session.now);
  const { absurdRetryLimitMs } = session.config;
  if (session.now < lane.absurdSince + absurdRetryLimitMs) return backOff(session, lane);
  endSession(session, 'absurdVersion', `${text}, and that was so for ${absurdRetryLimitMs} ms`);
}

function isUnanswered({ sent }: Lane, sequence: number): boolean {
  return sent.some((call) => call.sequence === sequence && call.version === 0);
}

function backOff(session: Session, lane: Lane | undefined): void {
  if (lane === undefined) return;
  const { retryMs, maxRetryMs } = session.config;
  if (lane.retryAt === Infinity) lane.retries++;
  later(session, lane, Math.min(maxRetryMs, retryMs * 2 ** lane.retries));
}

/** All that was in flight with the refused batch is refused too: send everything again once, not once for each. */
function later(session: Session, lane: Lane, waitMs: number): void {
  if (lane.retryAt === Infinity) lane.retryAt = session.now + waitMs;
}
