/** Loaded before a server whose memory is to be watched: each SIGUSR2 begins that, or ends it and writes what was seen. */
import { allocationFile, watchAllocation, type Allocation } from './allocation.ts';
import { writeWhole } from './written-files.ts';

let end: (() => Allocation) | undefined;
process.on('SIGUSR2', () => {
  if (end === undefined) {
    end = watchAllocation();
    return;
  }
  writeWhole(allocationFile(process.pid), end());
  end = undefined;
});
