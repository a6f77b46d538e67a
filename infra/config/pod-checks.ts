import { mergePods } from '../plan/pod-merge.ts';
import { ACCOUNT_DIRECTORY, INGRESS_DIRECTORY, TLS_DIRECTORY } from '../plan/nginx-configuration.ts';
import type { Subject } from './subject.ts';
import type { PodSettings } from './schema/pod.ts';
import type { Problem } from './problems.ts';

/** The settings of one kind of pods. */
type Layers = {
  /** Where the last of them stands. */
  readonly key: string;
  /** From the most general one. */
  readonly layers: readonly (PodSettings | undefined)[];
  /** Directories that the program mounts itself. */
  readonly ownPaths: readonly string[];
};

/** What settings of pods say that do not fit together, or not the program's own volumes. */
export function podProblems(subject: Subject): Problem[] {
  return layersOf(subject)
    .filter(({ layers }) => layers.at(-1) !== undefined)
    .flatMap((one) => [...unknownVolumes(one), ...takenPaths(one), ...sharedNames(one)]);
}

function layersOf({ config, entries, defaults }: Subject): Layers[] {
  const { pod, workerPod, finder, ingress, console, jobs } = config;
  const ofIngress = [INGRESS_DIRECTORY, TLS_DIRECTORY, ACCOUNT_DIRECTORY];
  const ofWorkers = defaults.mountPath === undefined ? [] : [defaults.mountPath];
  return [
    { key: 'dpr:pod', layers: [pod], ownPaths: [finder.mountPath, ...ofWorkers, ...ofIngress] },
    { key: 'dpr:finder.pod', layers: [pod, finder.pod], ownPaths: [finder.mountPath] },
    { key: 'dpr:ingress.pod', layers: [pod, ingress.pod], ownPaths: ofIngress },
    { key: 'dpr:console.pod', layers: [pod, console?.pod], ownPaths: [] },
    { key: 'dpr:jobs.pod', layers: [pod, jobs.pod], ownPaths: [] },
    { key: 'dpr:workerDefaults.pod', layers: [pod, workerPod], ownPaths: ofWorkers },
    ...entries.map(({ key, worker }) => ({
      key: `${key}.pod`,
      layers: [pod, workerPod, worker.pod],
      ownPaths: worker.mountPath === undefined ? [] : [worker.mountPath],
    })),
  ];
}

/** Every mount that the most specific layer says, with its key. */
function mountsIn({ key, layers }: Layers): { key: string; name: string; mountPath: string }[] {
  const { volumeMounts = [], sidecars = [], initContainers = [] } = layers.at(-1) ?? {};
  const lists = [
    { at: `${key}.volumeMounts`, mounts: volumeMounts },
    ...sidecars.map(({ volumeMounts: mounts = [] }, index) => ({
      at: `${key}.sidecars[${index}].volumeMounts`,
      mounts,
    })),
    ...initContainers.map(({ volumeMounts: mounts = [] }, index) => ({
      at: `${key}.initContainers[${index}].volumeMounts`,
      mounts,
    })),
  ];
  return lists.flatMap(({ at, mounts }) => mounts.map((mount, index) => ({ ...mount, key: `${at}[${index}]` })));
}

function unknownVolumes(one: Layers): Problem[] {
  const { volumes = [] } = mergePods(one.layers);
  return mountsIn(one)
    .filter(({ name }) => !volumes.some((volume) => volume.name === name))
    .map(({ key, name }) => ({
      key: `${key}.name`,
      text: `is "${name}", and no volume of the pod has that name: add it to ${one.key}.volumes`,
    }));
}

/** Kubernetes refuses two mounts of one path, and one within another hides files of the process. */
function takenPaths({ key, layers, ownPaths }: Layers): Problem[] {
  const { volumeMounts = [] } = layers.at(-1) ?? {};
  return volumeMounts.flatMap(({ mountPath }, index) => {
    const own = ownPaths.find((path) => isWithin(path, mountPath) || isWithin(mountPath, path));
    if (own === undefined) return [];
    const text = `is ${mountPath}, and the program has its own volume at ${own}: choose another directory`;
    return [{ key: `${key}.volumeMounts[${index}].mountPath`, text }];
  });
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

function sharedNames({ key, layers }: Layers): Problem[] {
  const { sidecars = [], initContainers = [] } = mergePods(layers);
  return sidecars
    .filter(({ name }) => initContainers.some((container) => container.name === name))
    .map(({ name }) => ({
      key,
      text: `has "${name}" among sidecars and among initContainers: give each container of a pod its own name`,
    }));
}
