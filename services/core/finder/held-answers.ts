/**
 * Answers that wait until all that the record held when they were due is durable. One is either a message, which says what was true
 * then, or names what it is about, and says what is true of that once it leaves.
 */
import type { Message, MessageOf } from '@dpr/protocol';
import { counterOf, errorOf, ownCut, reachedNow, send, type Answer, type Finder } from './state.ts';
import { waitsFor } from './blocked-commits.ts';

/** Give the answer once everything that the record holds now is durable: at once if it already is. */
export function whenDurable(finder: Finder, answer: Answer): void {
  if (!finder.dirty && finder.writing === undefined) {
    give(finder, answer);
    return;
  }
  finder.held.push({ counter: counterOf(finder), answer });
}

/** Send the message once everything that the record holds now is durable. */
export function sendWhenDurable(finder: Finder, connection: number, message: Message): void {
  whenDurable(finder, { kind: 'message', connection, message });
}

/** The record with this counter is durable: give the answers that waited for it. */
export function giveHeld(finder: Finder, counter: number): void {
  const due = finder.held.filter((held) => held.counter <= counter);
  finder.held.splice(0, due.length);
  for (const { answer } of due) give(finder, answer);
}

function give(finder: Finder, answer: Answer): void {
  switch (answer.kind) {
    case 'message':
      return send(finder, answer.connection, answer.message);
    case 'undecided': {
      const { connection, worker: id, message } = answer;
      const peer = finder.peers.get(connection);
      if (peer !== undefined) peer.undecided = { id, text: message.text };
      return send(finder, connection, message);
    }
    case 'registered':
      return send(finder, answer.connection, registered(finder, answer.worker, answer.incarnation));
    case 'leave': {
      const bound = finder.bound.get(answer.worker);
      if (bound !== undefined) send(finder, bound, { kind: 'leave' });
      return;
    }
    case 'deleted': {
      const { connection, worker, generation } = answer;
      const left = finder.exposed?.record.members.get(worker)?.generation !== generation;
      const waitingFor = left ? '' : waitsFor(finder, worker);
      return send(finder, connection, { kind: 'deleteAnswer', worker, state: left ? 'left' : 'leaving', waitingFor });
    }
  }
}

/** What the worker is to restore: the state may have moved on since it registered, and the answer with it. */
function registered(finder: Finder, id: number, incarnation: number): MessageOf<'registered' | 'error'> {
  const { exposed } = finder;
  if (exposed === undefined) throw new Error('a registration is durable, and no record is');
  const member = exposed.record.members.get(id);
  // The id was claimed or removed meanwhile: the world-line that would be told may go on without this incarnation.
  if (member?.claimed !== incarnation) {
    return errorOf('fenced', `worker ${id} goes on without incarnation ${incarnation}`, member?.claimed ?? 0);
  }
  const { worldLine, decisions } = exposed.record;
  const { stamp, cut } = ownCut(exposed, id);
  const covered = cut.get(id) ?? 0;
  const base = member.answer.worldLine === worldLine ? Math.max(member.answer.base, covered) : covered;
  return { kind: 'registered', stamp, worldLine, decisions, cut, base, reached: reachedNow(finder) };
}
