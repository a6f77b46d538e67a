/** WIRE.md, taken apart: its sections with their tables and examples, and the layouts with the structures' names resolved. */
import { readFileSync } from 'node:fs';

export interface Row {
  /** Counted from 1, as editors do. */
  readonly line: number;
  readonly cells: readonly string[];
}

export interface Table {
  readonly header: readonly string[];
  readonly rows: Row[];
}

export interface Section {
  readonly title: string;
  readonly line: number;
  readonly tables: Table[];
  /** Fenced blocks by language: `hex` and `json`. */
  readonly blocks: Map<string, string>;
  /** The line that begins with `Layout: `, without that. */
  layout?: string;
}

export interface WireDocument {
  readonly text: string;
  readonly sections: readonly Section[];
  /** Names of structures and the layouts that they stand for, in the document's order. */
  readonly structures: ReadonlyMap<string, string>;
}

export function readWireDocument(): WireDocument {
  const text = readFileSync(new URL('../../services/protocol/WIRE.md', import.meta.url), 'utf8');
  const sections = takeApart(text);
  return { text, sections, structures: structuresOf(sections) };
}

function takeApart(text: string): Section[] {
  const sections: Section[] = [];
  let table: Table | undefined;
  let fence: { language: string; lines: string[] } | undefined;
  for (const [index, content] of text.split('\n').entries()) {
    const section = sections.at(-1);
    const row = /^\|(.*)\|$/.exec(content)?.[1];
    if (fence) {
      if (content !== '```') fence.lines.push(content);
      else {
        section?.blocks.set(fence.language, fence.lines.join('\n'));
        fence = undefined;
      }
    } else if (content.startsWith('```')) {
      fence = { language: content.slice(3), lines: [] };
    } else if (/^#+ /.test(content)) {
      sections.push({ title: content.replace(/^#+ /, ''), line: index + 1, tables: [], blocks: new Map() });
    } else if (section && content.startsWith('Layout: ')) {
      section.layout = content.slice('Layout: '.length);
    } else if (section && row !== undefined) {
      const cells = row.split('|').map((cell) => cell.trim());
      if (table === undefined) section.tables.push((table = { header: cells, rows: [] }));
      else if (!/^-+$/.test(cells[0] ?? '')) table.rows.push({ line: index + 1, cells });
    }
    if (row === undefined) table = undefined;
  }
  return sections;
}

export function findSection(document: WireDocument, title: string): Section {
  const section = document.sections.find((one) => one.title === title);
  if (section === undefined) throw new Error(`WIRE.md lacks the section '${title}'`);
  return section;
}

/** A cell that holds one word of code. */
export const unquote = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '');

function structuresOf(sections: readonly Section[]): Map<string, string> {
  const structures = new Map<string, string>();
  const codes = sections.find(({ title }) => title === 'Error codes')?.tables[0]?.rows ?? [];
  structures.set('ErrorCode', `u8: ${codes.map(({ cells }) => `${cells[0] ?? ''} ${unquote(cells[1])}`).join(', ')}`);
  for (const { title, tables, layout } of sections) {
    const name = /^`([A-Z]\w+)`$/.exec(title)?.[1];
    if (name === undefined) continue;
    const fields = (tables[0]?.rows ?? []).map(
      ({ cells }) => `${unquote(cells[0])}: ${expand(cells[1] ?? '', structures)}`,
    );
    structures.set(name, layout ?? `{ ${fields.join('; ')} }`);
  }
  return structures;
}

/** A layout of the document with the names of structures replaced by what they stand for. */
export function expand(layout: string, structures: ReadonlyMap<string, string>): string {
  return layout.replaceAll(/\b[A-Z]\w+\b/g, (name) => structures.get(name) ?? name);
}

/** A layout of the code in the document's words: the largest structures that occur in it by their names. */
export function shorten(layout: string, structures: ReadonlyMap<string, string>): string {
  const largestFirst = [...structures].toSorted(([, a], [, b]) => b.length - a.length);
  return largestFirst.reduce((shorter, [name, whole]) => shorter.replaceAll(whole, name), layout);
}

const HEX_BYTES_PER_LINE = 24;

/** An example's hex, a line or more per field, with the field's name behind it. */
export function hexBlock(fields: readonly { readonly name: string; readonly bytes: Buffer }[]): string {
  const lines = fields.flatMap(({ name, bytes }) => {
    const chunks = Array.from({ length: Math.ceil(bytes.length / HEX_BYTES_PER_LINE) }, (_, place) => {
      const chunk = bytes.subarray(place * HEX_BYTES_PER_LINE, (place + 1) * HEX_BYTES_PER_LINE);
      return chunk.toString('hex').replaceAll(/(..)(?!$)/g, '$1 ');
    });
    return chunks.map((hex, place) => ({ hex, comment: place === 0 ? `# ${name}` : '' }));
  });
  const width = Math.max(...lines.map(({ hex }) => hex.length));
  return lines.map(({ hex, comment }) => `${hex.padEnd(width)}  ${comment}`.trimEnd()).join('\n');
}

export function bytesOfHexBlock(block: string): Buffer {
  return Buffer.from(block.replaceAll(/#.*$/gm, '').replaceAll(/\s/g, ''), 'hex');
}
