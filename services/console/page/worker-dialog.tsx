/** All about one worker, and what may be done to it. */
import { count, duration } from '@dpr/client/status-table';
import { useState } from 'preact/hooks';
import type { Hello, WorkerView } from '../messages.ts';
import { Dialog, Facts } from './dialog.tsx';
import { FaultButtons } from './fault-buttons.tsx';
import { bytes, committed, lag, workerName } from './format.ts';
import { RemoveForm } from './remove-form.tsx';

export interface WorkerDialogProps {
  readonly worker: WorkerView;
  /** False: it left while the dialog was open, and this is how it was. */
  readonly isMember: boolean;
  readonly can: Hello['can'];
  readonly close: () => void;
}

export function WorkerDialog({ worker, isMember, can, close }: WorkerDialogProps) {
  const [isRemoving, setIsRemoving] = useState(false);
  const { trouble, process } = worker;
  return (
    <Dialog title={workerName(worker)} close={close}>
      {!isMember && <p class="trouble">It is no longer a worker of this cluster. This is how it was last.</p>}
      {trouble !== '' && <p class={`trouble ${worker.level}`}>{trouble}</p>}
      {!isRemoving && <Facts facts={factsOf(worker)} />}
      {can.injectFaults && process && !isRemoving && <FaultButtons process={process} />}
      {can.remove && isMember && !isRemoving && (
        <button type="button" class="danger" onClick={() => setIsRemoving(true)}>
          Remove…
        </button>
      )}
      {isRemoving && <RemoveForm worker={worker} />}
    </Dialog>
  );
}

function factsOf(worker: WorkerView): Record<string, string | undefined> {
  const { state, address, generation, lagMs, rate, stateBytes, restarts } = worker;
  return {
    State: state,
    Address: address,
    Generation: count(generation),
    Committed: committed(worker),
    Uncommitted: lag(worker),
    'Commit lag': duration(lagMs),
    'Operations/s': rate === undefined ? undefined : count(Math.round(rate)),
    'State size': stateBytes === undefined ? undefined : bytes(stateBytes),
    Restarts: count(restarts),
  };
}
