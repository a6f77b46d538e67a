/** What processes tell Prometheus of themselves, and the document that says what it means. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';
import { ingressMetrics } from '../../services/ingress/metrics.ts';
import { promtool } from '../infra/promtool.ts';
import { metricsOf, refuseOne, tearDown } from './harness.ts';
import { startStore } from './served-store.ts';

const DOCUMENT = fileURLToPath(new URL('../../infra/METRICS.md', import.meta.url));
const MAX_SERIES = 150;

interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** The families of a page that are the project's own. */
function familiesOf(page: string): Family[] {
  const helps = [...page.matchAll(/^# HELP (dpr_\S+) (.*)$/gm)];
  return helps.map(([, name = '', help = '']) => {
    const type = new RegExp(`^# TYPE ${name} (\\S+)$`, 'm').exec(page)?.[1] ?? assert.fail(`${name} has no type`);
    const sample = new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, 'm').exec(page)?.[1] ?? '';
    const labels = [...sample.matchAll(/(\w+)="/g)].map(([, label = '']) => label).filter((label) => label !== 'le');
    return { name, type, help, labels };
  });
}

function tableOf(families: readonly Family[]): string {
  const rows = families.map(({ name, type, help, labels }) => {
    const shown = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${shown} | ${help} |`;
  });
  return ['', '| name | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

/** The document with these tables in their places. */
async function withTables(tables: Readonly<Record<string, string>>): Promise<string> {
  let text = readFileSync(DOCUMENT, 'utf8');
  for (const [name, table] of Object.entries(tables)) {
    const place = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`);
    assert.match(text, place);
    text = text.replace(place, (_all, begin: string, end: string) => `${begin}${table}\n${end}`);
  }
  return prettier.format(text, { ...(await prettier.resolveConfig(DOCUMENT)), filepath: DOCUMENT });
}

describe('the metrics of a cluster', () => {
  const pages = new Map<string, string>();

  before(async () => {
    const { place } = await startStore();
    await refuseOne(place); // since a reason is shown once there was one
    for (const name of ['dpr-finder', 'counter-0', 'store-1']) pages.set(name, await metricsOf(place, name));
    const report = { serving: 'a', routes: 3 };
    const ingress = ingressMetrics(
      () => report,
      () => ({ failures: 0, reason: undefined }),
    );
    pages.set('ingress', await ingress.metrics());
  });
  after(tearDown);

  it('are those of the document, with what each means', async () => {
    const [finder = [], worker = [], store = [], ingress = []] = [...pages.values()].map(familiesOf);
    const ofWorkers = new Set(worker.map(({ name }) => name));
    const expected = await withTables({
      finder: tableOf(finder),
      worker: tableOf(worker),
      store: tableOf(store.filter(({ name }) => !ofWorkers.has(name))),
      ingress: tableOf(ingress),
    });
    if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(DOCUMENT, expected);
    assert.equal(readFileSync(DOCUMENT, 'utf8'), expected, 'UPDATE_GOLDEN=1 writes the tables');
  });

  it('have no name for two things: what two kinds of processes tell is told of every process', () => {
    const [finder = [], worker = [], , ingress = []] = [...pages.values()].map((page) =>
      familiesOf(page).map(({ name }) => name),
    );
    const shared = worker.filter((name) => finder.includes(name) || ingress.includes(name));
    assert.deepEqual(shared, ['dpr_build_info']);
  });

  it(`are less than ${MAX_SERIES} series of a process, and as Prometheus wants them`, () => {
    for (const [name, page] of pages) {
      const series = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      assert.ok(series.length < MAX_SERIES, `${name} has ${series.length}`);
      assert.equal(promtool(['check', 'metrics'], { input: page }), '', name);
    }
  });
});
