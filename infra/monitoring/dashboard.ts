/**
 * Makes the dashboard for Grafana. It takes a library that only development has, so the result is committed, as dashboard.json, and nothing
 * else of this room imports this file.
 */
import {
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { type Panel, ROWS } from './panels.ts';
import { selecting } from './selecting.ts';

/** Grafana divides the width of a dashboard into so many columns. */
const COLUMNS = 24;
const HEIGHT = 8;
/** The Prometheus that the reader chooses. */
const SOURCE = { type: 'prometheus', uid: '${datasource}' };
/** Without the operator metrics have no namespace, so that none can be chosen: that matches those without. */
const NAMESPACE = 'namespace=~"$namespace"';
const CHOSEN = `${NAMESPACE},job=~"$job"`;

/* eslint-disable @typescript-eslint/no-deprecated -- its successor is for the newest Grafana only, and this one for all */
export function makeDashboard(): Dashboard {
  const dashboard = new DashboardBuilder('DPR cluster')
    .uid('dpr-cluster')
    .tags(['dpr-cluster'])
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .withVariable(choice('namespace', 'label_values(dpr_build_info, namespace)'))
    .withVariable(choice('job', `label_values(dpr_build_info{${NAMESPACE}}, job)`).includeAll(true).allValue('.*'));
  let id = 0;
  for (const [title, panels] of Object.entries(ROWS)) {
    dashboard.withRow(new RowBuilder(title).id(++id));
    for (const panel of panels) dashboard.withPanel(drawn(panel, COLUMNS / panels.length).id(++id));
  }
  return dashboard.build();
}

function choice(name: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name).datasource(SOURCE).query(query).refresh(VariableRefresh.OnTimeRangeChanged);
}

function drawn({ title, description, unit, queries }: Panel, width: number): PanelBuilder {
  const panel = new PanelBuilder()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .unit(unit)
    .min(0)
    .legend(new VizLegendOptionsBuilder().showLegend(true))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .span(width)
    .height(HEIGHT);
  for (const [index, [legend, expr]] of Object.entries(queries).entries()) {
    const refId = String.fromCharCode('A'.charCodeAt(0) + index);
    panel.withTarget(new DataqueryBuilder().refId(refId).expr(selecting(CHOSEN, expr)).legendFormat(legend));
  }
  return panel;
}
