import { flag, labels, record, word } from './values.ts';

const MAX_ADDRESS_CHARACTERS = 2_048;

/** What `dpr:monitoring` can say. */
export const monitoring = record('what Prometheus is to know: { labels, runbooks, dashboard }', {
  /** By which the operator's Prometheus selects such objects. */
  labels: labels.default({}),
  /** Where OPERATIONS.md is to be read, whose sections alerts name. */
  runbooks: word(
    'must be the address of OPERATIONS.md, such as "https://git.example.com/dpr/infra/OPERATIONS.md"',
    /^https?:\/\/[^\s#]+$/,
    MAX_ADDRESS_CHARACTERS,
  ).optional(),
  /** Whether Grafana is given its dashboard. */
  dashboard: flag.default(true),
});
