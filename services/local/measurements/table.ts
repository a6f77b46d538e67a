/** A table that reads well in a terminal and is Markdown as well. Columns with a title that ends in a colon are aligned right. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const isRight = titles.map((title) => title.endsWith(':'));
  const all = [titles.map((title) => title.replace(/:$/, '')), ...rows];
  const widths = titles.map((_, column) => all.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 3));
  const padded = (cell: string, column: number) =>
    isRight[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  const line = (cells: readonly string[]) =>
    `| ${titles.map((_, column) => padded(cells[column] ?? '', column)).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    isRight[column] === true ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  const [head = [], ...body] = all;
  return [line(head), `| ${rule.join(' | ')} |`, ...body.map(line)].join('\n');
}
