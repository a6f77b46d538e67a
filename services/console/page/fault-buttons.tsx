/** Does to a process of this machine what machines do to processes. */
import { type FaultRequest, PATHS, type ProcessView } from '../messages.ts';
import { RequestNotes, useRequests } from './use-requests.tsx';

const FAULTS: readonly { readonly fault: FaultRequest['fault']; readonly label: string }[] = [
  { fault: 'kill', label: 'Kill' },
  { fault: 'pause', label: 'Pause' },
  { fault: 'resume', label: 'Resume' },
];

export function FaultButtons({ process: { name, phase } }: { readonly process: ProcessView }) {
  const requests = useRequests();
  return (
    // Enter in the field of the key is no fault.
    <form class="actions" aria-label="Faults" onSubmit={(event) => event.preventDefault()}>
      <p>{`Process ${name} (${phase}). Kill ends it at once; Pause lets it stand still until Resume.`}</p>
      <div class="buttons">
        {FAULTS.map(({ fault, label }) => (
          <button
            key={fault}
            type="button"
            disabled={requests.isHeld}
            onClick={() => requests.send({ path: PATHS.fault, body: { process: name, fault } })}
          >
            {label}
          </button>
        ))}
      </div>
      <RequestNotes requests={requests} />
    </form>
  );
}
