/** Where a watched server writes what memory it took. */
import { tmpdir } from 'node:os';
import path from 'node:path';

export function allocationFile(pid: number): string {
  return path.join(tmpdir(), `dpr-bench-allocation-${pid}.json`);
}
