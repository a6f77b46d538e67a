/** Parts of charts as SVG that reads on light and dark ground. */

/** Of a chart, around what it shows. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** Where the title is written. */
  readonly titleAt: readonly [x: number, y: number];
}

export const INK = '#7a7a7a';

/** The whole picture. */
export function svg({ width, height, title, titleAt: [x, y] }: Frame, content: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${escape(title)}</title>`,
    words([x, y], title),
    ...content,
    '</svg>',
    '',
  ].join('\n');
}

export function words(
  [x, y]: readonly [x: number, y: number],
  text: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
  color = INK,
): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${color}">${escape(text)}</text>`;
}

/** A line across, at a value of the axis. */
export function gridLine(from: number, to: number, y: number): string {
  return `<line x1="${from}" x2="${to}" y1="${y}" y2="${y}" stroke="${INK}" stroke-opacity="0.3"/>`;
}

/** @param width of the line */
export function polyline(points: readonly (readonly [x: number, y: number])[], color: string, width: number): string {
  const places = points.map(([x, y]) => `${x},${y}`).join(' ');
  return `<polyline fill="none" stroke="${color}" stroke-width="${width}" points="${places}"/>`;
}

/** From an interval onto another, in tenths; a point onto its beginning. */
export function scale(from: number, to: number, first: number, last: number): (value: number) => number {
  return (value) => Math.round(10 * (first + (to === from ? 0 : ((value - from) / (to - from)) * (last - first)))) / 10;
}

function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
