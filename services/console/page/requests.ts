/** Asks the server to change something. */
import type { Answer, FaultRequest, PATHS, RemoveRequest } from '../messages.ts';

/** A server that stands still must not leave a dialog without an answer. */
const PATIENCE_MS = 15_000;

export type Request =
  | { readonly path: typeof PATHS.remove; readonly body: RemoveRequest }
  | { readonly path: typeof PATHS.fault; readonly body: FaultRequest };

export interface Outcome extends Answer {
  /** `key`: the key was refused. */
  readonly kind: 'done' | 'refused' | 'key';
}

/** Never throws: what went wrong is told in words. */
export async function ask({ path, body }: Request, key: string): Promise<Outcome> {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const { text } = (await response.json()) as Answer;
    return { kind: response.ok ? 'done' : [401, 403].includes(response.status) ? 'key' : 'refused', text };
  } catch (error) {
    return {
      kind: 'refused',
      text: `The console did not answer: ${error instanceof Error ? error.message : 'no reason known'}.`,
    };
  }
}
