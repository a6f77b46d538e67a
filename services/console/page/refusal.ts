/** Asks the server why it does not let the page follow it. */
import { type Answer, PATHS } from '../messages.ts';

/** Before the next connection is tried. */
const PATIENCE_MS = 1_000;

/** @returns a sentence; undefined where no console answers, or where it would let the page in. Never throws */
export async function askWhy(send: typeof fetch = fetch): Promise<string | undefined> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), PATIENCE_MS);
  try {
    const response = await send(PATHS.events, { signal: over.signal });
    if (response.ok) return undefined;
    const { text } = (await response.json()) as Partial<Answer>;
    return typeof text === 'string' && text !== '' ? sentence(text) : undefined;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    // The answer of a console that lets the page in has no end.
    over.abort();
  }
}

function sentence(text: string): string {
  return `The console refuses this page: ${text}.`;
}
