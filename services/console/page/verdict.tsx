/** How the cluster is, in a sentence; or, where that is not known now, why. */
import { useRef } from 'preact/hooks';
import type { Verdict } from '../messages.ts';
import { isNews } from './announcement.ts';
import { clock } from './format.ts';
import type { Doubt } from './freshness.ts';
import { LEVEL_WORDS, LevelSign } from './level.tsx';

export interface VerdictProps {
  readonly verdict: Verdict;
  /** When that was, ms since 1970. */
  readonly at: number;
  /** Undefined while it is live. */
  readonly doubt: Doubt | undefined;
}

export function VerdictBanner({ verdict, at, doubt }: VerdictProps) {
  const shown = doubt === undefined ? verdict : doubtful(doubt, at);
  const announced = useRef(shown);
  if (isNews(announced.current, shown)) announced.current = shown;
  const { level, text } = announced.current;
  return (
    <section class={`verdict ${shown.level}`} aria-label="Verdict">
      <LevelSign level={shown.level} />
      <div>
        <p class="level">{doubt === undefined ? LEVEL_WORDS[shown.level] : 'Not known'}</p>
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

function doubtful({ level, text }: Doubt, at: number): Verdict {
  return { level, text, more: [`What is shown below was so at ${clock(at)}.`] };
}
