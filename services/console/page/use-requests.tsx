/** What the dialogs that change something have in common: a key where there is none, one request at a time, and its answer. */
import { useState } from 'preact/hooks';
import { keepKey, keptKey } from './key.ts';
import { ask, type Outcome, type Request } from './requests.ts';

export interface Requests {
  /** Nothing can be sent now: there is no key yet, or another request has no answer yet. */
  readonly isHeld: boolean;
  /** Of the last request. */
  readonly outcome: Outcome | undefined;
  readonly send: (request: Request) => void;
  /** Undefined: there is one that has not been refused. */
  readonly keyField: { readonly key: string; readonly setKey: (key: string) => void } | undefined;
}

export function useRequests(): Requests {
  const [key, setKey] = useState(() => keptKey(window));
  const [asksKey, setAsksKey] = useState(key === '');
  const [isBusy, setIsBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();

  async function run(request: Request): Promise<void> {
    setIsBusy(true);
    const answer = await ask(request, key);
    const isRefused = answer.kind === 'key';
    keepKey(window, isRefused ? '' : key);
    if (isRefused) setKey('');
    setAsksKey(isRefused);
    setOutcome(answer);
    setIsBusy(false);
  }

  return {
    isHeld: isBusy || key === '',
    outcome,
    send: (request) => void run(request),
    keyField: asksKey ? { key, setKey } : undefined,
  };
}

/** Where the key is typed, if one is needed, and what became of the last request. */
export function RequestNotes({ requests: { keyField, outcome } }: { readonly requests: Requests }) {
  return (
    <>
      {keyField && (
        <label class="field">
          Key of this console, or the control token
          <input
            type="password"
            autoComplete="off"
            value={keyField.key}
            onInput={({ currentTarget }) => keyField.setKey(currentTarget.value)}
          />
        </label>
      )}
      <p class={`outcome ${outcome?.kind ?? ''}`} role="status">
        {outcome?.text}
      </p>
    </>
  );
}
