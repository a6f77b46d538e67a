/** How uPlot draws a chart: colours of the page's theme, one time axis for all charts, rollbacks as lines from top to bottom. */
import type uPlot from 'uplot';
import { CHART_SPAN_S } from './chart-data.ts';
import { clock } from './format.ts';

export interface PlotSettings {
  /** Whose size and whose custom properties it takes. */
  readonly element: HTMLElement;
  /** How many. */
  readonly series: number;
  readonly axisText: (value: number) => string;
  /** ms since 1970. */
  readonly rollbacks: () => readonly number[];
  /** Which sample the pointer is at, in this chart or in another one; null: none. */
  readonly setPointed: (index: number | null) => void;
}

export function plotOptions({ element, series, axisText, rollbacks, setPointed }: PlotSettings): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    font: `11px ${style.fontFamily}`,
    stroke: color('--muted'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'time' }, drag: { x: false, y: false }, y: false, points: { size: 6 } },
    scales: { x: { range: lastMinutes }, y: { range: fromZero } },
    series: [{}, ...Array.from({ length: series }, (_, index) => seriesOptions(color(`--series-${index + 1}`), index))],
    axes: [
      { ...axis, size: 24, space: 70, grid: { show: false }, values: (_, times) => times.map((at) => minute(at)) },
      { ...axis, size: 52, space: 28, values: (_, values) => values.map((value) => axisText(value)) },
    ],
    hooks: {
      drawAxes: [(plot) => drawLines(plot, rollbacks(), color('--rollback'))],
      setCursor: [({ cursor: { idx } }) => setPointed(idx ?? null)],
    },
  };
}

/** Of several series the first is drawn last, and thicker. */
function seriesOptions(stroke: string, index: number): uPlot.Series {
  return {
    stroke,
    width: index === 0 ? 1.5 : 1,
    ...(index === 0 ? { fill: `${stroke}1a` } : {}),
    points: { show: false },
    spanGaps: false,
  };
}

function lastMinutes(_: uPlot, __: number | null, newest: number | null): uPlot.Range.MinMax {
  const end = newest ?? Date.now() / 1_000;
  return [end - CHART_SPAN_S, end];
}

function fromZero(_: uPlot, __: number | null, most: number | null): uPlot.Range.MinMax {
  return [0, Math.max(1, (most ?? 0) * 1.1)];
}

function minute(at: number): string {
  return clock(at * 1_000).slice(0, 5);
}

/** All lengths on a canvas are in device pixels. */
function drawLines({ ctx, bbox, scales: { x } }: uPlot, times: readonly number[], color: string): void {
  const { left, top, width, height } = bbox;
  const { min, max } = x ?? {};
  if (typeof min !== 'number' || typeof max !== 'number') return;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = Math.max(1, devicePixelRatio);
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  for (const at of times) {
    const second = at / 1_000;
    if (second < min || second > max) continue;
    const position = Math.round(left + ((second - min) / (max - min)) * width);
    ctx.moveTo(position, top);
    ctx.lineTo(position, top + height);
  }
  ctx.stroke();
  ctx.restore();
}
