/** Asks the server to change something. */
import { type Answer, type FaultRequest, type PATHS, type RemoveRequest, WRONG_KEY } from '../messages.ts';

/** A server that stands still must not leave a dialog without an answer. */
const PATIENCE_MS = 15_000;

export type Request =
  | { readonly path: typeof PATHS.remove; readonly body: RemoveRequest }
  | { readonly path: typeof PATHS.fault; readonly body: FaultRequest };

export interface Outcome extends Answer {
  /** `key`: the key was refused. */
  readonly kind: 'done' | 'refused' | 'key';
}

/** A header takes no other characters from `fetch`, and no key has them. */
const POSSIBLE_KEY = /^[\x20-\x7e]*$/;

/** Never throws: what went wrong is told in words. */
export async function ask({ path, body }: Request, key: string, send: typeof fetch = fetch): Promise<Outcome> {
  if (!POSSIBLE_KEY.test(key)) return { kind: 'key', text: WRONG_KEY };
  try {
    const response = await send(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const { text } = (await response.json()) as Answer;
    return { kind: response.ok ? 'done' : response.status === 401 ? 'key' : 'refused', text };
  } catch (error) {
    return {
      kind: 'refused',
      text: `The console did not answer: ${error instanceof Error ? error.message : 'no reason known'}.`,
    };
  }
}
