/** One chart: its canvas is uPlot's, its words are ours. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { Sample } from '../messages.ts';
import { CHART_SPAN_S, columnsOf, summary, type Columns, type Value } from './chart-data.ts';
import { plotOptions } from './chart-plot.ts';
import { clock } from './format.ts';

export interface ChartSeries {
  /** Empty for the only one of its chart. */
  readonly label: string;
  readonly value: Value;
}

export interface ChartProps {
  readonly title: string;
  readonly series: readonly ChartSeries[];
  readonly text: (value: number) => string;
  /** Shorter, for the axis. */
  readonly axisText: (value: number) => string;
  readonly history: readonly Sample[];
  /** ms since 1970. */
  readonly rollbacks: readonly number[];
  /** Changes when colours do. */
  readonly theme: string;
}

export function Chart({ title, series, text, axisText, history, rollbacks, theme }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const latest = useRef(rollbacks);
  const [pointed, setPointed] = useState<number | null>(null);
  const columns = useMemo(
    () =>
      columnsOf(
        history,
        series.map(({ value }) => value),
      ),
    [history, series],
  );
  latest.current = rollbacks;

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const options = plotOptions({
      element,
      series: series.length,
      axisText,
      rollbacks: () => latest.current,
      setPointed,
    });
    const made = new uPlot(options, columns, element);
    plot.current = made;
    const resizes = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    resizes.observe(element);
    return () => {
      resizes.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [theme, series, axisText]);
  useLayoutEffect(() => plot.current?.setData(columns), [columns]);

  const summaries = series.map(({ label }, index) => `${label} ${summary(columns[index + 1] ?? [], text)}`.trim());
  const span = `the last ${CHART_SPAN_S / 60} minutes`;
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        <Readout series={series} columns={columns} pointed={pointed} text={text} />
      </figcaption>
      <div class="plot" ref={place} role="img" aria-label={`${title}, ${span}: ${summaries.join('; ')}.`} />
    </figure>
  );
}

interface ReadoutProps extends Pick<ChartProps, 'series' | 'text'> {
  readonly columns: Columns;
  /** Which sample the pointer is at; null: none, and the newest is told. */
  readonly pointed: number | null;
}

function Readout({ series, columns, pointed, text }: ReadoutProps) {
  const at = pointed === null ? undefined : columns[0][pointed];
  return (
    <p class="readout">
      {at !== undefined && <span class="time">{clock(at * 1_000)}</span>}
      {series.map(({ label }, index) => {
        const column = columns[index + 1];
        const value = (pointed === null ? column?.at(-1) : column?.[pointed]) ?? null;
        return (
          <span key={label} class={`series-${index + 1}`}>
            {label !== '' && `${label} `}
            <b>{value === null ? '–' : text(value)}</b>
          </span>
        );
      })}
    </p>
  );
}
