/** The sessions that share a client's connections, and which of them hear what comes over these. */
import type { Message, MessageOf } from '@dpr/protocol';
import type { Engine } from '../session/engine.ts';
import { bySession } from './by-session.ts';

export interface Sessions {
  readonly add: (session: Engine) => void;
  readonly forget: (id: string) => void;
  /** A copy: a session that ends leaves the others undisturbed. */
  readonly all: () => Engine[];
  /** What one message of this worker carried, in order. */
  readonly frames: (worker: number, messages: readonly Message[]) => void;
  /** What is for every session. @param worker undefined: the Finder */
  readonly frameForAll: (worker: number | undefined, message: MessageOf<'cut' | 'error'>) => void;
  /** The least world-line of the sessions that need the Finder; undefined when none does. */
  readonly leastWorldLine: () => number | undefined;
}

/** @param sawWorldLine told before the sessions are */
export function createSessions(sawWorldLine: (worldLine: number) => void): Sessions {
  const sessions = new Map<string, Engine>();

  function all(): Engine[] {
    return [...sessions.values()];
  }

  /** What is for no session in particular. */
  function unaddressed(worker: number, message: Message): void {
    if (message.kind === 'cut') frameForAll(worker, message);
    // A frame that cannot be read is the connection's end, not that of every session on it.
    if (message.kind === 'error' && message.code !== 'malformed') frameForAll(worker, message);
  }

  function frameForAll(worker: number | undefined, message: MessageOf<'cut' | 'error'>): void {
    if (message.kind === 'cut') sawWorldLine(message.worldLine);
    const alone = [message];
    for (const session of all()) session.frames(worker, alone);
  }

  return {
    add: (session) => void sessions.set(session.id, session),
    forget: (id) => void sessions.delete(id),
    all,
    frames(worker, messages) {
      bySession(messages, (session, run) => {
        if (session !== undefined) sessions.get(session)?.frames(worker, run);
        else for (const message of run) unaddressed(worker, message);
      });
    },
    frameForAll,
    leastWorldLine() {
      const behind = all().filter((session) => session.needsFinder());
      return behind.length === 0
        ? undefined
        : behind.reduce((least, session) => Math.min(least, session.worldLine()), Infinity);
    },
  };
}
