/** The package as Pulumi makes libraries of it: for Python, Go, .NET, Java, YAML and TypeScript. */

export const CLUSTER_TYPE = 'dpr:index:DprCluster';

/** A value of any shape, as the configuration's own schema checks it: its unions are more than every language can say. */
const ANY = { $ref: 'pulumi.json#/Any' };
const TEXT = { type: 'string' };
const SECRET_TEXT = { ...TEXT, secret: true };
const ENDPOINT = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    type: TEXT,
    url: TEXT,
    resp: { ...TEXT, description: 'For Redis clients, where it serves them.' },
  },
  required: ['id', 'type', 'url'],
};

/** @param version of the package, as `0.1.0` */
export function packageSchema(version: string): object {
  return {
    name: 'dpr',
    version,
    displayName: 'DPR Cluster',
    description:
      'A cluster of stateful workers that answers at memory speed and never loses what it said was committed.',
    license: 'MIT',
    types: { 'dpr:index:Endpoint': { ...ENDPOINT, description: 'How one worker is reached from outside.' } },
    resources: {
      [CLUSTER_TYPE]: {
        isComponent: true,
        description: 'A Finder, its workers, and the ingress in front of them, in a namespace of their own.',
        inputProperties: {
          settings: {
            ...ANY,
            plain: true,
            description:
              "Everything that a stack's file says under `dpr:`, such as `{ workers: [{ id: 0 }, { id: 1 }] }`. Known values only.",
          },
          controlToken: {
            ...SECRET_TEXT,
            description: "What administrators and workers show at the Finder's control port.",
          },
          clientToken: { ...SECRET_TEXT, description: 'What clients show, where they have to.' },
          registry: {
            ...TEXT,
            description: "The registry of the project's images, for `settings.images` that name none.",
          },
        },
        requiredInputs: ['settings'],
        properties: {
          finderUrl: { ...TEXT, description: 'What clients are given.' },
          endpoints: {
            type: 'array',
            items: { $ref: '#/types/dpr:index:Endpoint' },
            description: "Every worker's URL.",
          },
          portMap: {
            type: 'object',
            additionalProperties: { type: 'integer' },
            description: 'Public ports by the name of the process.',
          },
          volumes: { ...ANY, description: 'What every StatefulSet was made with and cannot change.' },
        },
        required: ['finderUrl', 'endpoints', 'portMap', 'volumes'],
      },
    },
    language: {
      nodejs: { packageName: '@dpr/pulumi' },
      python: { packageName: 'dpr_pulumi' },
    },
  };
}
