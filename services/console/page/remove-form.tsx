/** Takes a worker out of the cluster, once its name has been typed. */
import { useState } from 'preact/hooks';
import { PATHS, type WorkerView } from '../messages.ts';
import { workerName } from './format.ts';
import { RequestNotes, useRequests } from './use-requests.tsx';

export function RemoveForm({ worker }: { readonly worker: WorkerView }) {
  const requests = useRequests();
  const [typed, setTyped] = useState('');
  const name = workerName(worker);
  const isDone = requests.outcome?.kind === 'done';
  return (
    <form
      class="actions"
      onSubmit={(event) => {
        event.preventDefault();
        requests.send({ path: PATHS.remove, body: { worker: worker.id, generation: worker.generation } });
      }}
    >
      <p>
        The worker takes no new operations from now on, and leaves when all that it executed is committed. What was
        committed is kept on its volume.
      </p>
      <label class="field">
        {`Type ${name} to remove it`}
        <input
          value={typed}
          autoComplete="off"
          spellcheck={false}
          ref={focusOnce}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        />
      </label>
      <RequestNotes requests={requests} />
      <button type="submit" class="danger" disabled={requests.isHeld || isDone || typed.trim() !== name}>
        {`Remove ${name}`}
      </button>
    </form>
  );
}

/** The form takes the place of the button that had the focus. */
function focusOnce(input: HTMLInputElement | null): void {
  input?.focus();
}
