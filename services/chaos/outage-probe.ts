/** How long a session has no answer from a victim, which is what users notice of a fault. */
import { setTimeout as pause } from 'node:timers/promises';
import { counterType, type Cluster, type Session } from '@dpr/client';
import { workerName } from '@dpr/infra/plan';
import type { Target, Victim } from './target.ts';

/** Between an answer and the next question, ms. */
const PAUSE_MS = 5;

/**
 * The same target, where a victim has recovered when a session's next operation completes there; of the Finder, when what was
 * executed next is committed. Workers of other types than counters recover as the target itself sees it.
 */
export function probedTarget(target: Target, cluster: Cluster): Target {
  const session = cluster.session({ replay: true });
  return {
    victims: () => target.victims(),
    release: () => target.release(),
    async inject(victim, fault) {
      const ask = questionTo(cluster, session, victim);
      if (ask === undefined) return target.inject(victim, fault);
      const silence = listenTo(ask);
      try {
        const outage = await target.inject(victim, fault);
        return {
          since: outage.since,
          async recovered(patience) {
            try {
              const seen = await outage.recovered(patience);
              return { ...seen, tookMs: (await silence.end(outage.since, patience)) - outage.since };
            } finally {
              silence.stop();
            }
          },
        };
      } catch (error) {
        silence.stop();
        throw error;
      }
    },
  };
}

/** A question that only the victim can answer. */
function questionTo(cluster: Cluster, session: Session, { name, role }: Victim) {
  const counters = cluster.workers().filter(({ type }) => type === counterType.name);
  const asked = role === 'finder' ? counters[0] : counters.find((worker) => workerName(worker) === name);
  if (asked === undefined) return undefined;
  return async (signal: AbortSignal): Promise<void> => {
    await session.counter(asked.id).get({ signal });
    if (role === 'finder') await session.commit({ signal });
  };
}

type Silence = {
  /** When the longest time without an answer since the fault was over, by `performance.now()`. */
  end(since: number, patience: AbortSignal): Promise<number>;
  stop(): void;
};

/** Asks until it is stopped. A victim may answer for a moment after the fault, so it is the longest silence that counts. */
function listenTo(ask: (signal: AbortSignal) => Promise<void>): Silence {
  const stopped = new AbortController();
  /** Answers after silences, without those that came before a longer one: so there are few, the longest first. */
  let silences: { readonly endedAt: number; readonly ms: number }[] = [];
  let answers = 0;
  const failed = (async (): Promise<never> => {
    for (let lastAt = performance.now(); ;) {
      await ask(stopped.signal);
      const endedAt = performance.now();
      const ms = endedAt - lastAt;
      silences = [...silences.filter((earlier) => earlier.ms > ms), { endedAt, ms }];
      answers++;
      lastAt = endedAt;
      await pause(PAUSE_MS, undefined, { signal: stopped.signal });
    }
  })();
  failed.catch(() => undefined); // the caller that waits for the end sees it

  return {
    async end(since, patience) {
      const known = answers;
      while (answers === known) await Promise.race([failed, pause(PAUSE_MS, undefined, { signal: patience })]);
      return silences.find(({ endedAt }) => endedAt >= since)?.endedAt ?? since;
    },
    stop: () => stopped.abort(),
  };
}
