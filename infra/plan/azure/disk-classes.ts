/** Kinds of Azure's managed disks: one that ends in LRS is in one zone, one that ends in ZRS in several. */
export const DISK_SKUS = ['Premium_LRS', 'PremiumV2_LRS', 'StandardSSD_LRS', 'Premium_ZRS'] as const;
export type DiskSku = (typeof DISK_SKUS)[number];

type OnVolume = { readonly storageClass: string | undefined };

/** The storage class of volumes that ask for none; its disks are of `dpr:azure.diskSku`. */
export const MANAGED_DISK_CLASS = 'dpr-managed-disk';

/** The storage class of volumes that ask for this kind of disk. */
export function diskClass(sku: DiskSku): string {
  return `${MANAGED_DISK_CLASS}-${sku.toLowerCase().replaceAll('_', '-')}`;
}

/** The kinds of disks that volumes ask for, each once. */
export function diskSkusOf({ finder, workers }: { finder: OnVolume; workers: readonly OnVolume[] }): DiskSku[] {
  const classes = new Set([finder, ...workers].map(({ storageClass }) => storageClass));
  return DISK_SKUS.filter((sku) => classes.has(diskClass(sku)));
}

/** Whether a volume of this class takes one of a node's places for data disks; volumes of another class may be no disks. */
export function isManagedDisk(storageClass: string | undefined): boolean {
  return storageClass === MANAGED_DISK_CLASS || DISK_SKUS.some((sku) => diskClass(sku) === storageClass);
}
