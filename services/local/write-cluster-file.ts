import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CLUSTER_FILE, type ClusterFile } from '@dpr/client/running-cluster';

/** Readers see the old file or the new one, never a part. */
export function writeClusterFile(dataDirectory: string, content: ClusterFile): void {
  const file = path.join(dataDirectory, CLUSTER_FILE);
  const draft = `${file}.new`;
  writeFileSync(draft, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o644 });
  renameSync(draft, file);
}
