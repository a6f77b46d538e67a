// Prints what has Prometheus watch a cluster.
//   npm run --silent monitoring -- --label release=prometheus | kubectl apply -f -
import process from 'node:process';
import { stringify } from 'yaml';
import { dashboardText, monitoringResources, ruleGroups } from '../infra/monitoring/index.ts';
import { readOptions } from './options.mjs';

const HELP = `Prints a PodMonitor and a PrometheusRule for the Prometheus operator, and a ConfigMap with a dashboard for Grafana, as YAML:
kubectl apply -f - takes it. A stack with dpr:monitoring deploys the same.
  --namespace NAME   where the cluster is; dpr unless given
  --label KEY=VALUE  by which your Prometheus selects such resources, as in release=prometheus; may be given again
  --runbooks URL     where infra/OPERATIONS.md is to be read: alerts name their sections of it
  --dashboard        the dashboard alone, for Grafana's import
  --rules            the alerts alone, as a file of rules for a Prometheus without the operator
  --json             as JSON`;

const OPTIONS = /** @type {const} */ ({
  namespace: { type: 'string', default: 'dpr' },
  label: { type: 'string', multiple: true },
  runbooks: { type: 'string' },
  dashboard: { type: 'boolean', default: false },
  rules: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
});

const given = readOptions('npm run monitoring --', HELP, OPTIONS);
process.stdout.write(given.dashboard ? `${dashboardText()}\n` : objects());

function objects() {
  const { namespace, runbooks } = given;
  const labels = Object.fromEntries((given.label ?? []).map(labelOf));
  /** @type {readonly object[]} */
  const documents = given.rules
    ? [{ groups: ruleGroups(runbooks) }]
    : Object.values(monitoringResources({ namespace, labels, runbooks, dashboard: true }));
  const [first] = documents;
  const all = given.rules ? first : { apiVersion: 'v1', kind: 'List', items: documents };
  return given.json ? `${JSON.stringify(all)}\n` : documents.map((one) => stringify(one)).join('---\n');
}

/**
 * @param {string} text
 * @returns {[string, string]}
 */
function labelOf(text) {
  const [, key, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (key !== undefined && value !== undefined) return [key, value];
  process.stderr.write(`--label is '${text}': KEY=VALUE is expected, as in release=prometheus\n`);
  return process.exit(1);
}
