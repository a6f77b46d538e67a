/** `dpr pid`: the processes of a cluster of this machine, which the Finder does not know. */
import { UsageError } from './error-report.ts';
import type { ClusterProcess } from '../operator/running-cluster.ts';
import { clustersHere, noneRuns, theOneMeant, type PlaceWords } from './local-clusters.ts';
import type { Terminal } from './terminal.ts';

/** @throws NotRunningError when no cluster runs here, UsageError when it has no such process */
export async function showPids(
  place: PlaceWords,
  directory: string,
  terminal: Terminal,
  name: string | undefined,
  { json = false }: { readonly json?: boolean },
): Promise<void> {
  const here = theOneMeant(await clustersHere(place, directory), directory);
  if (here === undefined) throw noneRuns();
  const processes = here.processes.map(({ name, pid }) => ({ name, pid }));
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

function lineOf({ name, pid }: Pick<ClusterProcess, 'name' | 'pid'>): string {
  return `${name} ${pid ?? '-'}`;
}
