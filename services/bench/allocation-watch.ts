/** Loaded before a server whose memory is to be watched: each SIGUSR2 begins that, or ends it and writes what was seen. */
import { renameSync, writeFileSync } from 'node:fs';
import { allocationFile, watchAllocation, type Allocation } from './allocation.ts';

let end: (() => Allocation) | undefined;
process.on('SIGUSR2', () => {
  if (end === undefined) {
    end = watchAllocation();
    return;
  }
  const file = allocationFile(process.pid);
  writeFileSync(`${file}.part`, JSON.stringify(end()));
  renameSync(`${file}.part`, file); // whole once it is there
  end = undefined;
});
