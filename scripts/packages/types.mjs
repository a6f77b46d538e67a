// The declarations of a package: one file for each entry, with what the entry's declarations name and nothing else, and a report
// of it for reviewers. api-extractor makes both of them.
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import ts from 'typescript';

const EXTRACTOR = 'node_modules/@microsoft/api-extractor/bin/api-extractor';
const IMPORT = /(from |import\()['"]([^'"]+)['"]/g;
const OWN = /^(\.|@dpr\/)/;

/** @typedef {Readonly<Record<string, string>>} Entries files by what packages of the workspace export */

/**
 * Declares all that the entries lead to, file by file.
 * @param {string} root
 * @param {readonly string[]} entries of all packages
 * @param {string} folder where to, in the folders that the sources are in
 */
export async function declare(root, entries, folder) {
  const workspace = await workspaceEntries(root);
  const { config } = /** @type {{ config: { compilerOptions: object } }} */ (
    ts.readConfigFile(path.join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file))
  );
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config.compilerOptions, incremental: false, tsBuildInfoFile: undefined, noEmit: false },
    root,
  );
  const program = ts.createProgram(
    entries.map((entry) => path.join(root, entry)),
    {
      ...options,
      ...{ declaration: true, emitDeclarationOnly: true, rootDir: root, outDir: root },
      // By their own paths: what is found in node_modules has no declarations written.
      paths: Object.fromEntries(Object.entries(workspace).map(([name, file]) => [name, [path.join(root, file)]])),
    },
  );
  /** @type {Map<string, string>} by the path below the root */
  const texts = new Map();
  program.emit(undefined, (file, text) => void texts.set(path.relative(root, file), text));
  for (const [file, text] of texts) {
    const target = path.join(folder, file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, withOwnPaths(file, text, workspace));
  }
}

/**
 * @param {string} file
 * @param {string} text its declarations
 * @param {Entries} workspace
 */
function withOwnPaths(file, text, workspace) {
  return text.replace(IMPORT, (whole, before, specifier) => {
    if (!OWN.test(String(specifier))) return whole;
    const other = targetOf(file, String(specifier), workspace).replace(/\.ts$/, '.js');
    return `${String(before)}'${relative(file, other)}'`;
  });
}

/**
 * @typedef {object} Rollup
 * @property {string} root
 * @property {string} declared the folder of `declare`
 * @property {string} entry
 * @property {string} packageName
 * @property {string} target the file without its ending
 * @property {string} report the file of the report
 */

/**
 * Writes the declarations of an entry, for `import` and for `require`, and the report.
 * @param {Rollup} rollup
 * @returns {Promise<string[]>} the libraries whose types the declarations name
 */
export async function rollUp({ root, declared, entry, packageName, target, report }) {
  const work = path.join(declared, '.extractor');
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  await mkdir(path.dirname(report), { recursive: true });
  const file = path.join(work, 'api-extractor.json');
  const made = path.join(work, 'report.api.md');
  const declarations = path.join(declared, entry.replace(/\.ts$/, '.d.ts'));
  await writeFile(path.join(work, 'package.json'), JSON.stringify({ name: packageName })); // the report's title
  await writeFile(file, JSON.stringify(configOf(declarations, work, path.basename(made), `${target}.d.ts`)));
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    [path.join(root, EXTRACTOR), 'run', '--local', '--config', file],
    { cwd: work, encoding: 'utf8' },
  );
  if (error) throw error;
  if (status !== 0) throw new Error(`api-extractor failed with ${entry}:\n${stdout}${stderr}`);
  await copyFile(made, report);
  await copyFile(`${target}.d.ts`, `${target}.d.cts`); // it imports libraries alone
  const text = await readFile(`${target}.d.ts`, 'utf8');
  return Array.from(text.matchAll(IMPORT), ([, , specifier = '']) => specifier);
}

/**
 * @param {string} declarations
 * @param {string} folder
 * @param {string} reportFileName
 * @param {string} untrimmedFilePath
 */
function configOf(declarations, folder, reportFileName, untrimmedFilePath) {
  const silent = { logLevel: 'none', addToApiReportFile: false };
  const options = { module: 'nodenext', target: 'es2022', lib: ['es2023'], strict: true, skipLibCheck: true };
  return {
    projectFolder: folder,
    mainEntryPointFilePath: declarations,
    compiler: { overrideTsconfig: { compilerOptions: { ...options, types: ['node'] }, files: [declarations] } },
    apiReport: {
      ...{ enabled: true, reportFileName, reportFolder: folder, reportTempFolder: path.join(folder, 'temp') },
      includeForgottenExports: true,
    },
    dtsRollup: { enabled: true, untrimmedFilePath },
    ...{ docModel: { enabled: false }, tsdocMetadata: { enabled: false }, newlineKind: 'lf' },
    messages: {
      // Some would tell the report where on a machine a declaration was.
      extractorMessageReporting: { default: silent, 'ae-forgotten-export': silent, 'ae-undocumented': silent },
      tsdocMessageReporting: { default: silent },
      compilerMessageReporting: { default: { logLevel: 'error' } },
    },
  };
}

/**
 * @param {string} file
 * @param {string} specifier
 * @param {Entries} workspace
 */
function targetOf(file, specifier, workspace) {
  return workspace[specifier] ?? path.posix.join(path.posix.dirname(file), specifier);
}

/**
 * The packages of the workspace and what else they export, each with its file.
 * @param {string} root
 * @returns {Promise<Entries>}
 */
async function workspaceEntries(root) {
  const services = await readdir(path.join(root, 'services'));
  const rooms = ['infra', ...services.map((name) => path.posix.join('services', name))];
  const found = await Promise.all(
    rooms.map(async (room) => {
      const text = await readFile(path.join(root, room, 'package.json'), 'utf8');
      const { name, exports = {} } = /** @type {{ name: string, exports?: string | Record<string, string> }} */ (
        JSON.parse(text)
      );
      const files = typeof exports === 'string' ? { '.': exports } : exports;
      return Object.entries(files).map(
        ([key, file]) => /** @type {[string, string]} */ ([path.posix.join(name, key), path.posix.join(room, file)]),
      );
    }),
  );
  return Object.fromEntries(found.flat());
}

/**
 * How a file names another.
 * @param {string} file
 * @param {string} other
 */
function relative(file, other) {
  const found = path.posix.relative(path.posix.dirname(file), other);
  return found.startsWith('.') ? found : `./${found}`;
}
