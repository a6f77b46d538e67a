import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import ts from 'typescript';

/** What a room may import besides itself: other rooms, packages (a prefix ends in a slash), Node's own modules. */
type Rule = {
  readonly rooms?: readonly string[];
  readonly packages?: readonly string[];
  readonly node?: true | readonly string[];
};

/** Those of Node's modules that only compute. */
const PURE = ['node:assert/strict', 'node:buffer'];

/** What the client library and its commands share. */
const CLIENT = {
  rooms: ['services/counter/operations', 'services/protocol', 'services/runtime', 'services/store/operations'],
  packages: ['commander', 'zod/mini'],
  node: true,
} as const satisfies Rule;

/** Every room; a file belongs to the longest of these that its path begins with. */
const ROOMS: Readonly<Record<string, Rule>> = {
  'infra/config': { rooms: ['infra/plan'], packages: ['zod'] },
  'infra/plan': { node: ['node:crypto'] }, // for hashes
  'infra/stack-file.ts': { rooms: ['infra/config', 'infra/stack-config.ts'], packages: ['yaml'], node: true },
  'infra/monitoring': { rooms: ['infra/plan'] },
  // Development alone has the library.
  'infra/monitoring/dashboard.ts': { rooms: ['infra/monitoring'], packages: ['@grafana/'] },
  'infra/components': {
    rooms: ['infra/config', 'infra/monitoring', 'infra/plan'],
    packages: ['@pulumi/'],
    node: true,
  },
  'infra/provider': { rooms: ['infra/components', 'infra/package.json'], packages: ['@pulumi/'] },
  'infra/azure': { rooms: ['infra/config', 'infra/plan'], packages: ['@pulumi/'], node: true },
  // Pulumi runs it beside the program, and it knows resources by what they are told alone.
  'infra/policy': { rooms: ['infra/plan'], packages: ['@pulumi/policy', 'tsx/'] },
  'infra/stack-config.ts': {},
  'infra/examples': { rooms: ['infra/components'], packages: ['@pulumi/'] },
  'infra/last-deployment.ts': { rooms: ['infra/config', 'infra/plan'], packages: ['zod/mini'] },
  'infra/preview-steps.ts': { packages: ['zod/mini'] },
  'infra/preview-differences.ts': { rooms: ['infra/preview-steps.ts'] },
  'infra/preview-harms.ts': { rooms: ['infra/preview-steps.ts'] },
  'infra/preview-summary.ts': {
    rooms: ['infra/preview-differences.ts', 'infra/preview-harms.ts', 'infra/preview-steps.ts'],
  },
  'infra/check-preview.ts': { rooms: ['infra/preview-harms.ts', 'infra/preview-summary.ts'], node: true },
  'infra/deploy-stack.ts': {
    rooms: [
      'infra/config',
      'infra/plan',
      'infra/components',
      'infra/azure',
      'infra/last-deployment.ts',
      'infra/monitoring',
      'infra/stack-config.ts',
      'infra/stack-file.ts',
    ],
    packages: ['@pulumi/'],
    node: true,
  },
  'infra/index.ts': { rooms: ['infra/deploy-stack.ts'] },
  'services/protocol': { node: PURE },
  'services/core': { rooms: ['services/protocol'], node: PURE },
  'services/runtime': {
    rooms: ['services/core', 'services/protocol'],
    packages: ['ws', 'pino', 'prom-client'],
    node: true,
  },
  // How operations look on the wire, shared by a worker type and the client.
  'services/counter/operations': { node: PURE },
  'services/resp': { rooms: ['services/core', 'services/protocol', 'services/runtime'], node: true },
  'services/store': {
    rooms: ['services/resp', 'services/runtime', 'services/store/engine', 'services/store/operations'],
    node: true,
  },
  'services/store/engine': { rooms: ['services/runtime'], node: PURE },
  'services/store/operations': { rooms: ['services/protocol'], node: PURE },
  'services/client': { ...CLIENT, rooms: ['services/core', ...CLIENT.rooms] },
  'services/console': { rooms: ['services/client', 'services/runtime'], packages: ['esbuild'], node: true },
  'services/console/page': {
    rooms: ['services/client', 'services/console'],
    packages: ['preact', 'preact/', 'uplot'],
  },
  // The commands, beside the library.
  'services/client/cli': { ...CLIENT, rooms: [...CLIENT.rooms, 'services/client', 'services/console'] },
  'services/client/dpr.ts': { rooms: ['services/client/cli'], node: true },
  'services/opentelemetry': { packages: ['@opentelemetry/api'], node: true },
  'services/local': {
    rooms: [
      'infra/config',
      'infra/plan',
      'infra/stack-file.ts',
      'services/client',
      'services/console',
      'services/runtime',
    ],
    packages: ['commander'],
    node: true,
  },
  // The rules are its own, on purpose: what it plays with the core would not find the core's mistakes.
  'services/conformance': {
    rooms: ['services/local', 'services/protocol', 'services/runtime'],
    packages: ['commander', 'ws'],
    node: true,
  },
  'services/ingress': { rooms: ['services/runtime'], packages: ['prom-client', 'zod/mini'], node: true },
  'services/bench': {
    rooms: [
      'services/client',
      'services/counter/operations',
      'services/local',
      'services/protocol',
      'services/runtime',
      'services/store/engine',
    ],
    packages: ['commander', 'ws'],
    node: true,
  },
  'services/chaos': {
    rooms: ['infra/plan', 'services/client', 'services/local', 'services/runtime'],
    packages: ['commander', 'zod/mini'],
    node: true,
  },
};

/** A worker type, present or to come: any other folder of services. */
const WORKER_TYPE: Rule = {
  rooms: ['services/core', 'services/counter/operations', 'services/runtime'],
  node: true,
};

/** Rooms whose types other rooms may name, too, since a type leaves nothing in the program. */
const TYPES_FOR: Readonly<Record<string, readonly string[]>> = {
  'infra/plan': ['infra/config'],
  'services/opentelemetry': ['services/client'],
};

type Import = { readonly file: string; readonly line: number; readonly specifier: string; readonly typeOnly: boolean };

describe('rooms', () => {
  it('import only what their row allows', () => {
    const imports = ['infra', 'services'].flatMap(sourceFiles).flatMap(importsOf);
    assert.ok(imports.length > 0);
    assert.deepEqual(imports.flatMap(violation), []);
  });

  it('are told apart by file, line and what was imported', () => {
    const importing = (file: string, specifier: string, typeOnly = false) =>
      violation({ file, line: 3, specifier, typeOnly });
    assert.deepEqual(importing('services/core/cut.ts', 'node:fs'), [
      'services/core/cut.ts:3 imports node:fs, which services/core may not',
    ]);
    assert.deepEqual(importing('infra/plan/local.ts', '../config.ts'), [
      'infra/plan/local.ts:3 imports ../config.ts, which infra/plan may not',
    ]);
    assert.deepEqual(importing('infra/plan/local.ts', '../config.ts', true), []);
    assert.deepEqual(importing('infra/config.ts', './config/checks.ts'), []);
    assert.deepEqual(importing('services/kv/main.ts', '@dpr/runtime'), []);
    assert.equal(importing('services/kv/main.ts', '@dpr/client').length, 1);
    assert.equal(importing('services/kv/main.ts', '../counter/main.ts').length, 1);
    assert.equal(importing('services/local/main.ts', '@pulumi/pulumi').length, 1);
    assert.deepEqual(importing('services/local/main.ts', '@dpr/infra/plan'), []);
    assert.equal(importing('services/runtime/x.ts', '../core/cut.ts').length, 1, 'past the public entry');
  });

  it('have no circle of files that import one another', () => {
    const files = ['infra', 'services'].flatMap(sourceFiles);
    const graph = new Map(files.map((file) => [file, importsOf(file).flatMap(fileImported)]));
    assert.ok([...graph.values()].flat().every((file) => graph.has(file)));
    assert.deepEqual(circle(graph), []);
  });

  it('name the files of a circle', () => {
    const graph = new Map([
      ['a', ['b', 'd']],
      ['b', ['c', 'd']],
      ['c', ['e', 'b']],
      ['d', []],
      ['e', ['d']],
    ]);
    assert.deepEqual(circle(graph), ['b', 'c', 'b']);
    graph.set('c', ['e']);
    assert.deepEqual(circle(graph), []);
    graph.set('d', ['d']);
    assert.deepEqual(circle(graph), ['d', 'd']);
  });

  it('find every way to import', () => {
    const text = "import 'a';\nimport type { B } from 'b';\nexport * from 'c';\nconst d = await import('d');\n";
    assert.deepEqual(
      importsIn('x.ts', text).map(({ line, specifier, typeOnly }) => [line, specifier, typeOnly]),
      [
        [1, 'a', false],
        [2, 'b', true],
        [3, 'c', false],
        [4, 'd', false],
      ],
    );
  });
});

describe('the client library', () => {
  it('takes clocks, chance, timers and connections from its host', () => {
    const files = reachableFrom('services/client/index.ts');
    assert.ok(
      files.includes('services/client/session/engine.ts') && files.includes('services/client/operator/operator.ts'),
    );
    assert.deepEqual(
      files.flatMap((file) => surroundingsIn(file, readFileSync(file, 'utf8'))),
      [],
    );
  });

  it('is told each way around its host', () => {
    const text = [
      "import { randomBytes } from 'node:crypto';",
      'const at = performance.now() + Date.now() + Math.random();',
      'process.nextTick(() => clearTimeout(setTimeout(run, 5)));',
      'const signal = AbortSignal.timeout(5);',
      'host.setTimeout(run, host.now()); // performance.now(), in words',
      "queueMicrotask(run); call('AbortSignal.timeout');",
    ].join('\n');
    assert.deepEqual(surroundingsIn('x.ts', text), [
      "x.ts:1 uses randomBytes, which is its host's",
      "x.ts:2 uses performance.now, which is its host's",
      "x.ts:2 uses Date.now, which is its host's",
      "x.ts:2 uses Math.random, which is its host's",
      "x.ts:3 uses process.nextTick, which is its host's",
      "x.ts:3 uses clearTimeout, which is its host's",
      "x.ts:3 uses setTimeout, which is its host's",
      "x.ts:4 uses AbortSignal.timeout, which is its host's",
    ]);
  });
});

/** What only a host may use. */
const SURROUNDINGS = new Set([
  'performance.now',
  'Date.now',
  'Math.random',
  'process.nextTick',
  'process.hrtime',
  'AbortSignal.timeout',
  'randomBytes',
  'randomUUID',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'dialSocket',
]);

function surroundingsIn(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const name = ts.isPropertyAccessExpression(node) || ts.isIdentifier(node) ? node.getText(source) : '';
    const isMember = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
    if (SURROUNDINGS.has(name) && !isMember) {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      found.push(`${file}:${line} uses ${name}, which is its host's`);
    }
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return found;
}

/** The file, and those of its package that it imports, directly or not. */
function reachableFrom(first: string): string[] {
  const files = new Set([first]);
  for (const file of files) {
    for (const { specifier } of importsOf(file)) {
      if (specifier.startsWith('.')) files.add(path.posix.join(path.posix.dirname(file), specifier));
    }
  }
  return [...files];
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourceFiles(name);
    return /\.tsx?$/.test(name) ? [name] : [];
  });
}

/** Of every file that was read already. */
const imports = new Map<string, Import[]>();

function importsOf(file: string): Import[] {
  const known = imports.get(file) ?? importsIn(file, readFileSync(file, 'utf8'));
  imports.set(file, known);
  return known;
}

function importsIn(file: string, text: string): Import[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      found.push({ file, line, specifier: specifier.text, typeOnly: isTypeOnly(node) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function specifierOf(node: ts.Node): ts.Expression | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return node.arguments[0];
  return undefined;
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportDeclaration(node)) return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
  return ts.isExportDeclaration(node) && node.isTypeOnly;
}

/** The file that a relative import names, for its types included. */
function fileImported({ file, specifier }: Import): string[] {
  return /^\..*\.ts$/.test(specifier) ? [path.posix.join(path.posix.dirname(file), specifier)] : [];
}

/** The first circle that a depth-first search finds: its files in order, the first one again at the end; none: empty. */
function circle(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const way: string[] = [];
  const done = new Set<string>();
  const search = (file: string): string[] => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return [];
    way.push(file);
    for (const next of graph.get(file) ?? []) {
      const found = search(next);
      if (found.length > 0) return found;
    }
    way.pop();
    done.add(file);
    return [];
  };
  for (const file of graph.keys()) {
    const found = search(file);
    if (found.length > 0) return found;
  }
  return [];
}

function violation({ file, line, specifier, typeOnly }: Import): string[] {
  const room = roomOf(file);
  const rule = ROOMS[room] ?? WORKER_TYPE;
  const target = targetOf(file, specifier);
  const allowed =
    target.kind === 'node'
      ? rule.node === true || (rule.node ?? []).includes(specifier)
      : target.kind === 'package'
        ? (rule.packages ?? []).some((name) => (name.endsWith('/') ? specifier.startsWith(name) : specifier === name))
        : target.room === room ||
          (target.public && (rule.rooms ?? []).includes(target.room)) ||
          (typeOnly && (TYPES_FOR[room] ?? []).includes(target.room));
  return allowed ? [] : [`${file}:${line} imports ${specifier}, which ${room} may not`];
}

type Imported = { kind: 'node' } | { kind: 'package' } | { kind: 'room'; room: string; public: boolean };

/** What an import means; a room of another package may only be entered by that package's name. */
function targetOf(file: string, specifier: string): Imported {
  if (specifier.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(file), specifier);
    const samePackage = packageOf(target) === packageOf(file);
    return { kind: 'room', room: roomOf(target), public: samePackage };
  }
  if (isBuiltin(specifier)) return { kind: 'node' };
  if (!specifier.startsWith('@dpr/')) return { kind: 'package' };
  const name = specifier.slice('@dpr/'.length);
  const folder =
    { 'infra/stack-file': 'infra/stack-file.ts' }[name] ?? (name.startsWith('infra') ? name : `services/${name}`);
  return { kind: 'room', room: roomOf(folder), public: true };
}

function roomOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  const inside = Object.keys(ROOMS).filter(
    (room) => file === room || file === `${room}.ts` || file.startsWith(`${room}/`),
  );
  return inside.sort((a, b) => b.length - a.length)[0] ?? `${top}/${second}`;
}

function packageOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  return top === 'services' ? `${top}/${second}` : top;
}
