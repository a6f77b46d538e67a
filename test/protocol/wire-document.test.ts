import * as protocol from '@dpr/protocol';
import {
  decode,
  decodeMessage,
  describeFrames,
  draftOf,
  encode,
  encodeMessage,
  ERROR_CODES,
  FRAME_TYPES,
  type Message,
} from '@dpr/protocol';
import { LISTENER_LIMITS } from '@dpr/runtime';
import { CLIENTS_SHARE } from '../../services/runtime/connection-places.ts';
import { CLOSE, CLOSE_TIMEOUT_MS } from '@dpr/runtime/frame-socket';
import assert from 'node:assert/strict';
import { parseLayout, readHex, readMap, readNumber, readShape, revive, reviveMap, type Cursor } from './layouts.ts';
import {
  bytesOfHexBlock,
  expand,
  findSection,
  hexBlock,
  readWireDocument,
  shorten,
  unquote,
  type Row,
  type Section,
  type Table,
} from './wire-document.ts';

const WIRE = readWireDocument();
const FIXED_KINDS = ['batch', 'reply'] as const;
type FixedKind = (typeof FIXED_KINDS)[number];

const hexByte = (value: number) => `0x${value.toString(16).padStart(2, '0')}`;
const titleOf = (kind: string) => `${hexByte(FRAME_TYPES[kind as Message['kind']])} \`${kind}\``;
const frameSection = (kind: string) => findSection(WIRE, titleOf(kind));

/** The only table of a section; `names` are its first columns. */
function tableOf(section: Section, ...names: string[]): Table {
  const [table] = section.tables;
  if (table === undefined) throw new Error(`WIRE.md, line ${section.line}: '${section.title}' lacks its table`);
  assert.deepEqual(table.header.slice(0, names.length), names, `WIRE.md: the table of '${section.title}'`);
  return table;
}

/** Compare a table's first cells with the expected ones, and name the first line that has to change. */
function checkRows(where: string, rows: readonly Row[], expected: readonly (readonly string[])[]): void {
  for (const [place, cells] of expected.entries()) {
    const row = rows[place];
    const wanted = `the row should begin "| ${cells.join(' | ')} |"`;
    assert.ok(row, `WIRE.md, ${where}, after the last row: ${wanted}`);
    const found = row.cells.slice(0, cells.length);
    if (found.join('|') !== cells.join('|')) {
      const begins = `and begins "| ${found.join(' | ')} |"`;
      assert.fail(`WIRE.md, line ${row.line}, ${where}: ${wanted}, ${begins}${structuresIn(found)}`);
    }
    assert.ok(row.cells.at(-1), `WIRE.md, line ${row.line}, ${where}: the meaning is empty`);
  }
  const [extra] = rows.slice(expected.length);
  assert.equal(extra, undefined, `WIRE.md, line ${extra?.line ?? 0}, ${where}: the code has no such row`);
}

/** What the structures in a layout are in the document: one of them may be what has to change. */
function structuresIn(cells: readonly string[]): string {
  const used = [...WIRE.structures].filter(([name]) => cells.some((cell) => cell.split(/\W/).includes(name)));
  return used.map(([name, layout]) => `,\nwhere ${name} is "${layout}"`).join('');
}

/** Does the document state the layout that the code has? Where it does not, the example cannot be read by it. */
function isStated(kind: string): boolean {
  const described = describeFrames().find((frame) => frame.kind === kind);
  const stated = (frameSection(kind).tables[0]?.rows ?? []).map(
    ({ cells }) => `${unquote(cells[0])}: ${expand(cells[1] ?? '', WIRE.structures)}`,
  );
  return described?.fields.map(({ name, layout }) => `${name}: ${layout}`).join('; ') === stated.join('; ');
}

describe('WIRE.md', () => {
  it('has a section for every frame, in the order of their type bytes', () => {
    const expected = Object.entries(FRAME_TYPES)
      .toSorted(([, a], [, b]) => a - b)
      .map(([kind]) => titleOf(kind));
    const found = WIRE.sections.map(({ title }) => title).filter((title) => title.startsWith('0x'));
    for (const [place, title] of expected.entries()) {
      const before = expected[place - 1] ?? 'nothing';
      assert.equal(found[place], title, `WIRE.md: the heading '### ${title}' should follow '${before}'`);
    }
    assert.deepEqual(found.slice(expected.length), [], 'WIRE.md: these frames are not in the code');
  });

  for (const { kind, fields } of describeFrames()) {
    it(`states the fields of ${kind}`, () => {
      const section = frameSection(kind);
      if (fields.length === 0) {
        assert.deepEqual(section.tables, [], `WIRE.md, line ${section.line}: '${kind}' has no fields, and no table`);
        return;
      }
      const { rows } = tableOf(section, 'field', 'layout', 'meaning');
      const expected = fields.map(({ name, layout }, place) => {
        const stated = rows[place]?.cells[1] ?? '';
        const same = expand(stated, WIRE.structures) === layout;
        return [`\`${name}\``, same ? stated : shorten(layout, WIRE.structures)];
      });
      checkRows(`frame ${kind}`, rows, expected);
    });
  }

  for (const kind of FIXED_KINDS) {
    it(`states offsets of ${kind} without a gap`, () => {
      let offset = 0;
      for (const { line, cells } of fixedRows(kind)) {
        const [stated, name, layout] = cells;
        if (stated === 'then') continue;
        assert.equal(stated, String(offset), `WIRE.md, line ${line}: the offset of ${name ?? ''} in ${kind}`);
        if (layout !== 'each: u32 worker, u64' && layout !== 'to the end') offset += fixedBytes(layout);
      }
      const header = { batch: protocol.BATCH_HEADER_BYTES, reply: protocol.REPLY_HEADER_BYTES }[kind];
      assert.equal(offset, header, `WIRE.md: the length of ${kind}'s header`);
    });
  }

  it('states every error code with its number', () => {
    const { rows } = tableOf(findSection(WIRE, 'Error codes'), 'number', 'code', 'meaning', 'what the receiver does');
    const expected = ERROR_CODES.map((code, number) => [String(number), `\`${code}\``]);
    checkRows('section Error codes', rows, expected);
  });

  it('states every limit with its value', () => {
    const limits = Object.entries(protocol)
      .filter((entry): entry is [string, number] => typeof entry[1] === 'number' && !entry[0].endsWith('_HEADER_BYTES'))
      .map(([name, value]) => `| \`${name}\` | ${value} |`);
    const { rows } = tableOf(findSection(WIRE, 'Limits'), 'name', 'value', 'what is limited');
    const stated = rows.map(({ cells }) => `| ${cells[0] ?? ''} | ${cells[1] ?? ''} |`);
    for (const row of limits) assert.ok(stated.includes(row), `WIRE.md, section Limits lacks the row "${row} … |"`);
    for (const row of stated) assert.ok(limits.includes(row), `WIRE.md, section Limits: "${row}" is not in limits.ts`);
  });

  it('states what a connection may cost, and the codes that servers close with', () => {
    const [limits, codes] = findSection(WIRE, 'Connections').tables;
    assert.deepEqual(
      limits?.rows.map(({ cells }) => cells.slice(0, 2)),
      [
        ['connections', String(LISTENER_LIMITS.connections)],
        ['clients', String(LISTENER_LIMITS.connections * CLIENTS_SHARE)],
        ['greeting time', `${LISTENER_LIMITS.helloMs} ms`],
        ['greeting bytes', String(LISTENER_LIMITS.bytesBeforeHello)],
        ['silence', `${LISTENER_LIMITS.receiveTimeoutMs} ms`],
        ['pings', String(LISTENER_LIMITS.pings)],
        ['message time', `${LISTENER_LIMITS.messageMs} ms`],
        ['unread time', `${LISTENER_LIMITS.unreadMs} ms`],
        ['unread, waits', String(LISTENER_LIMITS.pauseBytes)],
        ['unread, ends', String(LISTENER_LIMITS.closeBytes)],
        ['time to say so', `${CLOSE_TIMEOUT_MS} ms`],
      ],
    );
    const stated = codes?.rows.map(({ cells }) => cells[0]);
    for (const code of [CLOSE.goingAway, CLOSE.malformed, CLOSE.refused, CLOSE.short, CLOSE.slow])
      assert.ok(stated?.includes(String(code)));
  });

  it('speaks of limits by names that exist', () => {
    for (const [name] of WIRE.text.matchAll(/\b[A-Z]+(_[A-Z0-9]+)+\b/g)) {
      assert.ok(name in protocol, `WIRE.md: ${name} is not a limit of the protocol`);
    }
  });

  it('speaks of fields, frames, codes and structures by names that exist', () => {
    const known = new Set([
      'counter',
      'next',
      'frontier',
      'Vs',
      'c',
      'null',
      ...Object.keys(FRAME_TYPES),
      ...ERROR_CODES,
    ]);
    for (const { tables } of WIRE.sections) {
      for (const { cells } of tables.flatMap(({ rows }) => rows)) for (const cell of cells) known.add(unquote(cell));
    }
    for (const name of WIRE.structures.keys()) known.add(name);
    for (const [, word] of WIRE.text.matchAll(/`([a-zA-Z]+(?:\.[a-zA-Z]+)?)`/g)) {
      const parts = (word ?? '').split('.');
      assert.ok(
        parts.every((part) => known.has(part)),
        `WIRE.md: '${word ?? ''}' names nothing in the protocol`,
      );
    }
  });
});

describe('examples of WIRE.md', () => {
  for (const kind of Object.keys(FRAME_TYPES).filter((kind) => kind !== 'several')) {
    it(`shows a ${kind} that the codec reads and writes`, () => {
      const section = frameSection(kind);
      const json = section.blocks.get('json');
      assert.ok(json, `WIRE.md, line ${section.line}: frame ${kind} needs an example in a json block`);
      const plain = JSON.parse(json) as Record<string, unknown>;
      assert.ok(isFixed(kind) || isStated(kind), `WIRE.md: correct the table of ${kind}, then its example`);
      const names = fieldNames(kind);
      assert.deepEqual(
        Object.keys(plain),
        names,
        `WIRE.md, line ${section.line}: the fields in the example of ${kind}`,
      );

      const message = { kind, ...reviveFields(kind, plain) } as unknown as Message;
      const written = encode(message);
      const expected = hexBlock(fieldRanges(kind, written));
      const stated = section.blocks.get('hex');
      if (stated !== expected) {
        assert.fail(`WIRE.md, line ${section.line}: the hex of ${kind} should be\n\`\`\`hex\n${expected}\n\`\`\`\n`);
      }
      const bytes = bytesOfHexBlock(stated);
      assert.deepEqual(decode(bytes), message, 'the codec reads the hex as the JSON says');
      assert.deepEqual(readPlain(kind, bytes), plain, 'the layouts alone read the hex as the JSON says');
    });
  }
});

describe('the example of several frames in WIRE.md', () => {
  it('is what the codec reads and writes', () => {
    const { blocks } = frameSection('several');
    const messages = JSON.parse(blocks.get('json') ?? '') as Message[];
    const bytes = bytesOfHexBlock(blocks.get('hex') ?? '');
    assert.deepEqual(encodeMessage(messages.map(draftOf)), bytes);
    assert.deepEqual(decodeMessage(bytes), messages);
  });
});

function isFixed(kind: string): kind is FixedKind {
  return (FIXED_KINDS as readonly string[]).includes(kind);
}

function fixedRows(kind: FixedKind): readonly Row[] {
  return tableOf(frameSection(kind), 'offset', 'field', 'layout', 'meaning').rows;
}

/** Bytes of a field in a fixed layout: `u32` or `16 bytes`. */
function fixedBytes(layout: string | undefined): number {
  const shape = parseLayout(layout ?? '');
  assert.ok(shape.is === 'number' || shape.is === 'identity', `'${layout ?? ''}' has no fixed length`);
  return shape.bytes;
}

/** Name and layout of each field of a frame that is not fixed, from the document. */
function layoutsOf(kind: string): [string, ReturnType<typeof parseLayout>][] {
  const rows = frameSection(kind).tables[0]?.rows ?? [];
  return rows.map(({ cells }) => [unquote(cells[0]), parseLayout(expand(cells[1] ?? '', WIRE.structures))]);
}

/** The fields that the JSON of an example has, in order. */
function fieldNames(kind: string): string[] {
  if (!isFixed(kind)) return layoutsOf(kind).map(([name]) => name);
  const names = fixedRows(kind).map(({ cells }) => unquote(cells[1]));
  const inFrameOnly = ['type', 'reserved', 'dependencyCount'];
  return names.filter((name) => !inFrameOnly.includes(name)).map((name) => (name === 'flags' ? 'urgent' : name));
}

function reviveFields(kind: string, plain: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (!isFixed(kind))
    return Object.fromEntries(layoutsOf(kind).map(([name, shape]) => [name, revive(shape, plain[name])]));
  const values = { ...plain };
  if ('dependencies' in plain) values.dependencies = reviveMap(plain.dependencies);
  for (const name of ['operations', 'results']) {
    if (name in plain) values[name] = Buffer.from(plain[name] as string, 'hex');
  }
  return values;
}

/** Each field of a frame as the layouts read it: name, bytes and plain value, the type byte first. */
function readFields(kind: string, bytes: Buffer): { name: string; bytes: Buffer; value: unknown }[] {
  const cursor: Cursor = { bytes, at: 0 };
  const fields: { name: string; bytes: Buffer; value: unknown }[] = [];
  const take = (name: string, read: () => unknown) => {
    const from = cursor.at;
    const value = read();
    fields.push({ name, bytes: bytes.subarray(from, cursor.at), value });
    return value;
  };
  if (!isFixed(kind)) {
    take('type', () => readNumber(cursor, 1));
    for (const [name, shape] of layoutsOf(kind)) take(name, () => readShape(cursor, shape));
  } else {
    let items = 0;
    for (const { cells } of fixedRows(kind)) {
      const [, field, layout] = cells;
      const name = unquote(field);
      const value = take(name, () => {
        if (layout === 'to the end') return readHex(cursor, bytes.length - cursor.at);
        if (layout === 'each: u32 worker, u64') return readMap(cursor, items, parseLayout('u64'));
        return readShape(cursor, parseLayout(layout ?? ''));
      });
      if (name === 'dependencyCount') items = Number(value);
    }
  }
  assert.equal(cursor.at, bytes.length, `the layouts of ${kind} cover the whole frame`);
  return fields;
}

const fieldRanges = (kind: string, bytes: Buffer) =>
  readFields(kind, bytes).map(({ name, bytes }) => ({ name, bytes }));

/** A frame as its layouts read it, in the form of the example's JSON. */
function readPlain(kind: string, bytes: Buffer): Record<string, unknown> {
  const plain = Object.fromEntries(readFields(kind, bytes).map(({ name, value }) => [name, value]));
  if (kind === 'batch') plain.urgent = plain.flags === 1;
  return Object.fromEntries(fieldNames(kind).map((name) => [name, plain[name]]));
}
