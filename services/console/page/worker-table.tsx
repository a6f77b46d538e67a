import { count } from '@dpr/client/status-table';
import { useState } from 'preact/hooks';
import type { Hello, WorkerView } from '../messages.ts';
import { committed, lag } from './format.ts';
import { LevelSign } from './level.tsx';
import { matching } from './worker-filter.ts';

export interface WorkerTableProps {
  readonly workers: readonly WorkerView[];
  readonly can: Hello['can'];
}

export function WorkerTable({ workers }: WorkerTableProps) {
  const [query, setQuery] = useState('');
  return (
    <section class="panel workers" aria-labelledby="workers-title">
      <h2 id="workers-title">Workers</h2>
      <input type="search" aria-label="Search workers" value={query} onInput={(e) => setQuery(e.currentTarget.value)} />
      <table>
        <tbody>
          {matching(workers, query).map((worker) => (
            <tr key={`${worker.id}/${worker.generation}`}>
              <td>{worker.id}</td>
              <td>{worker.type}</td>
              <td>
                <LevelSign level={worker.level} /> {worker.state}
              </td>
              <td>{committed(worker)}</td>
              <td>{lag(worker)}</td>
              <td>{worker.rate === undefined ? '' : count(Math.round(worker.rate))}</td>
              <td>{worker.trouble}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
