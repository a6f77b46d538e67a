/** The most data disks of a machine by its vCPUs: those of the last step that it reaches. */
type Steps = readonly (readonly [vcpus: number, disks: number])[];

const COMMON: Steps = [
  [2, 4],
  [4, 8],
  [8, 16],
  [16, 32],
];
/** Burstable machines have smaller sizes, and one between two steps. */
const BURSTABLE: Steps = [[1, 2], ...COMMON];
/** The sixth generation with processors of Intel and ARM. */
const SIXTH: Steps = [
  [2, 8],
  [4, 12],
  [8, 24],
  [16, 48],
  [32, 64],
];
const VCPUS = [2, 4, 8, 16, 32];

type Size = { readonly family: string; readonly vcpus: number; readonly features: string; readonly version: number };

/**
 * How many data disks a machine takes, as Azure documents it.
 *
 * @param nodeSize such as `Standard_D4s_v5`
 * @returns undefined for a size that is not of the series D, E and F (v3 to v6), L (v2 and v3) and B, and for those with fewer
 *   vCPUs than their size, isolated ones and confidential ones
 */
export function dataDisksOf(nodeSize: string): number | undefined {
  const size = parse(nodeSize);
  const steps = size && stepsOf(size);
  return size && steps?.findLast(([vcpus]) => vcpus <= size.vcpus)?.[1];
}

/** The smallest machine of the same series that takes so many data disks; undefined where there is none. */
export function sizeFor(nodeSize: string, disks: number): string | undefined {
  const sizes = VCPUS.map((vcpus) => nodeSize.replace(/\d+/, String(vcpus)));
  return sizes.find((size) => (dataDisksOf(size) ?? 0) >= disks);
}

function parse(nodeSize: string): Size | undefined {
  const match = /^Standard_([BDEFL])(\d+)([a-z]*)(?:_v(\d))?$/i.exec(nodeSize);
  if (match === null) return undefined;
  const [, family = '', vcpus, features = '', version = '1'] = match;
  return {
    family: family.toUpperCase(),
    vcpus: Number(vcpus),
    features: features.toLowerCase(),
    version: Number(version),
  };
}

function stepsOf({ family, features, version }: Size): Steps | undefined {
  if (features.includes('i')) return undefined;
  if (family === 'B') return version <= 2 ? BURSTABLE : undefined;
  if (family === 'L') return version === 2 || version === 3 ? COMMON : undefined;
  if (family === 'F' && version === 2) return COMMON;
  if (version < 3 || version > 6) return undefined;
  return version === 6 && !features.includes('a') ? SIXTH : COMMON;
}
