/** All about the Finder, and what may be done to it. */
import type { FinderView, Hello } from '../messages.ts';
import { Dialog, Facts } from './dialog.tsx';
import { FaultButtons } from './fault-buttons.tsx';
import { FINDER_WORDS } from './tiles.tsx';

export interface FinderDialogProps {
  readonly finder: FinderView;
  readonly can: Hello['can'];
  readonly close: () => void;
}

export function FinderDialog({ finder: { state, text, process }, can, close }: FinderDialogProps) {
  return (
    <Dialog title="Finder" close={close}>
      <Facts facts={{ State: FINDER_WORDS[state], Reason: text === '' ? undefined : text }} />
      {can.injectFaults && process && <FaultButtons process={process} />}
    </Dialog>
  );
}
