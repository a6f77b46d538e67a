import { LABEL } from '../plan/index.ts';
import { openControl } from './control-port.ts';
import { containersOf, isKind, labelOf, podOf, type Variable } from './pods.ts';
import { unrestricted } from './restricted-pods.ts';
import type { Resource, Rule } from './rule.ts';

const TOKENS = ['DPR_CONTROL_TOKEN', 'DPR_CLIENT_TOKEN'];
const ENFORCE = 'pod-security.kubernetes.io/enforce';

/** Every rule of the pack. */
export const RULES: readonly Rule[] = [
  {
    name: 'volumes-kept',
    description: 'Volumes stay when their process or the stack is removed.',
    level: 'mandatory',
    isForProduction: false,
    problems: lostVolumes,
  },
  {
    name: 'pods-restricted',
    description: "Pods keep to Kubernetes' standard restricted, and to a root file system that is only read.",
    level: 'mandatory',
    isForProduction: false,
    problems: unrestricted,
  },
  {
    name: 'namespace-restricted',
    description: "The namespace enforces Kubernetes' standard restricted.",
    level: 'mandatory',
    isForProduction: false,
    problems: openNamespace,
  },
  {
    name: 'control-port-private',
    description: "The Finder's control port is for pods of the namespace alone.",
    level: 'mandatory',
    isForProduction: false,
    problems: openControl,
  },
  {
    name: 'tokens',
    description: 'The Finder asks administrators and clients for tokens, which are in a Secret.',
    level: 'mandatory',
    isForProduction: true,
    problems: missingTokens,
  },
  {
    name: 'tls',
    description: 'Clients reach the cluster by TLS.',
    level: 'mandatory',
    isForProduction: true,
    problems: missingTls,
  },
  {
    name: 'images-tagged',
    description: 'Images are of a version, not the latest one.',
    level: 'mandatory',
    isForProduction: true,
    problems: (resource) =>
      images(resource)
        .filter(isMoving)
        .map((image) => `the image ${image} may be another tomorrow: name a version`),
  },
  {
    name: 'images-by-digest',
    description: 'Images are named by digests, which no registry can move.',
    level: 'advisory',
    isForProduction: true,
    problems: (resource) =>
      images(resource)
        .filter((image) => !image.includes('@'))
        .map((image) => `the image ${image} has no digest: set it in dpr:images, as name@sha256:…`),
  },
];

function lostVolumes(resource: Resource): string[] {
  if (!isKind(resource, 'apps/v1:StatefulSet')) return [];
  const spec = resource.props.spec as {
    readonly persistentVolumeClaimRetentionPolicy?: Readonly<Record<string, string>>;
  };
  // Kubernetes keeps them where nothing is said.
  const lost = Object.entries(spec.persistentVolumeClaimRetentionPolicy ?? {}).filter(([, what]) => what !== 'Retain');
  return lost.map(([when, what]) => `the volume goes with its process (${when}: ${what}): set dpr:keepVolumes to true`);
}

function openNamespace(resource: Resource): string[] {
  if (!isKind(resource, 'core/v1:Namespace') || labelOf(resource, ENFORCE) === 'restricted') return [];
  return [`pods of any kind may run in it: set its label ${ENFORCE} to restricted`];
}

function missingTokens(resource: Resource): string[] {
  const containers = containersOf(podOf(resource) ?? {});
  const variables = containers.flatMap(({ env = [] }) => env).filter(({ name }) => TOKENS.includes(name));
  const isFinder = isKind(resource, 'apps/v1:StatefulSet') && labelOf(resource, LABEL.component) === 'finder';
  const absent = isFinder ? TOKENS.filter((token) => !variables.some(({ name }) => name === token)) : [];
  const isPlain = ({ valueFrom }: Variable) => valueFrom?.secretKeyRef === undefined;
  return [
    ...absent.map((token) => `the Finder asks for no ${token}: set ${settingOf(token)} as a secret`),
    ...variables.filter(isPlain).map(({ name }) => `${name} is there for all to read: take it from a Secret`),
  ];
}

function settingOf(token: string): string {
  return token === 'DPR_CONTROL_TOKEN' ? 'dpr:controlToken' : 'dpr:clientToken';
}

function missingTls(resource: Resource): string[] {
  const isIngress = isKind(resource, 'core/v1:ConfigMap') && labelOf(resource, LABEL.component) === 'ingress';
  if (!isIngress) return [];
  const texts = Object.values((resource.props.data ?? {}) as Readonly<Record<string, string>>);
  const plain = texts.flatMap((text) => text.match(/listen \d+(?! ssl)\b[^;]*/g) ?? []);
  return plain.length === 0 ? [] : [`${plain.length} ports are served without TLS: set dpr:ingress.tlsSecretName`];
}

function images(resource: Resource): string[] {
  const named = containersOf(podOf(resource) ?? {}).flatMap(({ image }) => image ?? []);
  return [...new Set(named)];
}

/** Whether the image's name means another image from time to time: it has no tag, or the moving one, and no digest. */
function isMoving(image: string): boolean {
  if (image.includes('@')) return false;
  const [, tag = 'latest'] = (image.split('/').at(-1) ?? '').split(':');
  return tag === 'latest';
}
