import type { Config } from '../config.ts';
import { BUILT_IN_TYPES, isBuiltIn } from './worker-types.ts';

/** Plain NGINX, whose configuration is all that the ingress adds. */
const NGINX_IMAGE = 'nginx:1.28';
const DEFAULT_TAG = 'latest';

/** The images that the project builds. */
export const PROJECT_IMAGES = ['finder', ...BUILT_IN_TYPES, 'client', 'ingress'] as const;
export type ProjectImage = (typeof PROJECT_IMAGES)[number];

/** An image, and whether it is one of the project's that no registry was named for. */
export type PlannedImage = { readonly name: string; readonly withoutRegistry: boolean };

/** Where one of the project's images is: as `dpr:images` says, or by registry and tag. */
export function projectImage({ images }: Pick<Config, 'images'>, image: ProjectImage, own?: string): PlannedImage {
  const given = own ?? images[image];
  if (given !== undefined) return { name: given, withoutRegistry: false };
  const name = `dpr-${image}:${images.tag ?? DEFAULT_TAG}`;
  const registry = images.registry;
  return registry === undefined
    ? { name, withoutRegistry: true }
    : { name: `${registry}/${name}`, withoutRegistry: false };
}

export function nginxImage({ images }: Pick<Config, 'images'>): PlannedImage {
  return { name: images.nginx ?? NGINX_IMAGE, withoutRegistry: false };
}

/** A worker's image; the configuration's check saw to it that one of another project's type has one. */
export function workerImage(config: Pick<Config, 'images'>, worker: { type: string; image?: string | undefined }) {
  if (isBuiltIn(worker.type)) return projectImage(config, worker.type, worker.image);
  if (worker.image === undefined) throw new Error(`a worker of type ${worker.type} has no image`);
  return { name: worker.image, withoutRegistry: false };
}
