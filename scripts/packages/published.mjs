// Which packages are published, and what is in each.

/**
 * @typedef {object} Package
 * @property {string} room the folder whose package.json names the versions of its dependencies and peers
 * @property {string} readme
 * @property {string} description
 * @property {Readonly<Record<string, string>>} entries what it exports, by the subpath, and the file that each starts in
 * @property {{ readonly name: string, readonly entry: string }} [program] a command that it brings
 * @property {boolean} isBundled whether libraries of others are in it; if not, they are its dependencies
 * @property {readonly string[]} peers libraries that are the importing program's own; the room says which of them it can do without
 */

/** @type {Readonly<Record<'runtime' | 'client' | 'opentelemetry' | 'infra', Package>>} by folder and name */
export const PUBLISHED = {
  runtime: {
    room: 'services/runtime',
    readme: 'services/runtime/README.md',
    description: 'The harness of worker types of a DPR cluster',
    entries: { '.': 'services/runtime/public-api.ts' },
    isBundled: true,
    peers: [],
  },
  client: {
    room: 'services/client',
    readme: 'services/client/README.md',
    description: 'The client of a DPR cluster',
    entries: { '.': 'services/client/index.ts' },
    program: { name: 'dpr', entry: 'services/client/dpr.ts' },
    isBundled: true,
    peers: [],
  },
  opentelemetry: {
    room: 'services/opentelemetry',
    readme: 'services/opentelemetry/README.md',
    description: 'Spans and metrics of the client of a DPR cluster, for OpenTelemetry',
    entries: { '.': 'services/opentelemetry/index.ts' },
    isBundled: false,
    peers: ['@opentelemetry/api'],
  },
  infra: {
    room: 'infra',
    readme: 'infra/components/README.md',
    description: 'A DPR cluster as Pulumi components, for every language',
    entries: {
      './components': 'infra/components/index.ts',
      './config': 'infra/config.ts',
      './stack-file': 'infra/stack-file.ts',
    },
    program: { name: 'pulumi-resource-dpr', entry: 'infra/provider/main.ts' },
    isBundled: false,
    peers: ['@pulumi/kubernetes', '@pulumi/pulumi'],
  },
};
