/** A level as a sign and a word, since not everyone can tell colours apart. */
import type { Level } from '../messages.ts';

export const LEVEL_WORDS: Readonly<Record<Level, string>> = { well: 'Well', warning: 'Warning', critical: 'Critical' };

/** In a square of 16: a tick in a circle, an exclamation mark in a triangle, a cross in an octagon, a dash in a circle. */
const SIGNS: Readonly<Record<Level | 'unknown', { readonly shape: string; readonly mark: string }>> = {
  well: { shape: 'M8 1a7 7 0 1 0 0 14a7 7 0 1 0 0-14z', mark: 'M4.8 8.2l2.2 2.2 4.2-4.6' },
  warning: { shape: 'M8 1.2L15.3 14.2H.7z', mark: 'M8 5.8v3.6M8 11.6v.2' },
  critical: { shape: 'M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z', mark: 'M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2' },
  unknown: { shape: 'M8 1a7 7 0 1 0 0 14a7 7 0 1 0 0-14z', mark: 'M5 8h6' },
};

/** Only the sign: the word is to stand beside it. */
export function LevelSign({ level }: { readonly level: Level | 'unknown' }) {
  const { shape, mark } = SIGNS[level];
  return (
    <svg class={`sign ${level}`} viewBox="0 0 16 16" aria-hidden="true">
      <path class="shape" d={shape} />
      <path class="mark" d={mark} />
    </svg>
  );
}
