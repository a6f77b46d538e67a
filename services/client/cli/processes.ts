/** `dpr pid`: the processes of a cluster of this machine, which the Finder does not know. */
import { isLocked } from '@dpr/runtime/storage';
import { UsageError } from './complaint.ts';
import { clustersHere, noneRuns, theOneMeant, type HereProcess, type PlaceWords } from './here.ts';
import type { Terminal } from './terminal.ts';

/** @throws NotRunningError when no cluster runs here, UsageError when it has no such process */
export async function showPids(
  place: PlaceWords,
  directory: string,
  terminal: Terminal,
  name: string | undefined,
  { json = false }: { readonly json?: boolean },
): Promise<void> {
  const here = theOneMeant(clustersHere(place, directory), directory);
  // What a machine that lost power left behind names processes that are other programs' by now; the lock tells for certain.
  if (here === undefined || !(await isLocked(here.directory))) throw noneRuns();
  const processes = here.processes.map((one): HereProcess => ({ name: one.name, pid: one.pid }));
  if (name === undefined) {
    terminal.print(json ? JSON.stringify(processes) : processes.map(lineOf).join('\n'));
    return;
  }
  const found = processes.find((process) => process.name === name);
  if (found === undefined) {
    throw new UsageError(`there is no process ${name}; there are ${processes.map((one) => one.name).join(', ')}`);
  }
  if (found.pid === null) throw new UsageError(`${name} has no process now`);
  terminal.print(json ? JSON.stringify(found) : String(found.pid));
}

function lineOf({ name, pid }: HereProcess): string {
  return `${name} ${pid ?? '-'}`;
}
