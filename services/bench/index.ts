/** What of the benchmark only computes: cells, statistics, targets, tables and charts. */
export { allCells, cellName, ROUTED_CELLS, TARGET_CELLS, type Cell } from './cells.ts';
export { chart, type Series } from './chart.ts';
export type { CellRuns } from './measure-cells.ts';
export { closedLoop, openLoop } from './load/loops.ts';
export type { Measured } from './load/protocol.ts';
export { cellResults, cellTable, showCount, showTime } from './report.ts';
export { replaceMarked, seriesOf } from './result-files.ts';
export { selection } from './measure-all.ts';
export { ratios, spreadOf } from './statistics.ts';
export { judge, showRatio } from './targets.ts';
