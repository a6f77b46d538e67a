/** What a page of a console is told first. */
import type { Hello } from '../../services/console/messages.ts';

/** @param url of the console, with a slash at the end */
export async function helloOf(url: string): Promise<Hello> {
  const over = new AbortController();
  const response = await fetch(new URL('events', url), { signal: over.signal });
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes('\n\n')) break;
  }
  over.abort();
  return JSON.parse(/^event: hello\ndata: (.*)$/m.exec(text)?.[1] ?? '') as Hello;
}
