/** How the cluster is, in a sentence; or, where that is not known now, for how long. */
import { useRef } from 'preact/hooks';
import type { Verdict } from '../messages.ts';
import { isNews } from './announcement.ts';
import { clock } from './format.ts';
import { LEVEL_WORDS, LevelSign } from './level.tsx';

export interface VerdictProps {
  readonly verdict: Verdict;
  /** When that was, ms since 1970. */
  readonly at: number;
  /** For how long the console has not answered; undefined while it is live. */
  readonly silentS: number | undefined;
}

export function VerdictBanner({ verdict, at, silentS }: VerdictProps) {
  const shown = silentS === undefined ? verdict : silentVerdict(silentS, at);
  const announced = useRef(shown);
  if (isNews(announced.current, shown)) announced.current = shown;
  const { level, text } = announced.current;
  return (
    <section class={`verdict ${shown.level}`} aria-label="Verdict">
      <LevelSign level={shown.level} />
      <div>
        <p class="level">{silentS === undefined ? LEVEL_WORDS[shown.level] : 'Not known'}</p>
        <h1>{shown.text}</h1>
        {shown.more.length > 0 && (
          <ul>
            {shown.more.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        )}
      </div>
      <p class="unseen" aria-live="polite">{`${LEVEL_WORDS[level]}: ${text}`}</p>
    </section>
  );
}

function silentVerdict(silentS: number, at: number): Verdict {
  return {
    level: 'critical',
    text: `The console has not answered for ${silentS} s.`,
    more: [`What is shown below was so at ${clock(at)}.`],
  };
}
