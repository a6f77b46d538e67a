/** In what writes records, checkpoints and manifests to disks. */
import { STORAGE, change, mutant, type Mutant } from './mutant.ts';

export const STORAGE_MUTANTS: readonly Mutant[] = [
  mutant(
    '12b a slot of the record with a bad checksum is believed',
    `${STORAGE}/two-slot-file.ts`,
    'return checksumOf(content) === bytes.readUInt32LE(CHECKSUM_AT) ? { slot, bytes: content, counter } : undefined;',
    'return { slot, bytes: content, counter };',
  ),
  mutant(
    '36b a record that was only read is not written again',
    `${STORAGE}/two-slot-file.ts`,
    '  await overwrite(disk, newest.slot, newest.bytes);\n',
    '',
  ),
  mutant(
    '121 a retried record goes to the other slot',
    `${STORAGE}/two-slot-file.ts`,
    '      // A slot that is gone cannot be opened, and neither can one in a directory that is gone.\n',
    '      holder = slot;\n',
  ),
  mutant(
    '122 a record is announced before it is synced',
    `${STORAGE}/two-slot-file.ts`,
    '    await file.writeAt(0, bytes);\n    await file.datasync();\n    if (unproven)',
    '    await file.writeAt(0, bytes);\n    if (unproven)',
  ),
  mutant(
    '123 the name of a new slot is not synced',
    `${STORAGE}/two-slot-file.ts`,
    '    await disk.rename(temporary(slot.name), slot.name);\n    await disk.syncDirectory();\n',
    '    await disk.rename(temporary(slot.name), slot.name);\n',
  ),
  mutant(
    '124 a failed sync of a record is repeated, and its bytes are not',
    `${STORAGE}/two-slot-file.ts`,
    '    await file.datasync();\n    if (unproven)',
    '    await file.datasync().catch(() => file.datasync());\n    if (unproven)',
  ),
  mutant(
    '125 a checkpoint is announced before it is synced',
    `${STORAGE}/manifest-log.ts`,
    '    await current.file.datasync();\n',
    '',
  ),
  mutant(
    '126 a failed sync of a manifest is repeated, and its bytes are not',
    `${STORAGE}/manifest-log.ts`,
    '    await current.file.datasync();\n',
    '    await current.file.datasync().catch(() => current.file.datasync());\n',
  ),
  mutant(
    '127 the name of a manifest is not synced',
    `${STORAGE}/manifest-log.ts`,
    '    await disk.rename(temporary(name), name);\n    await disk.syncDirectory();\n',
    '    await disk.rename(temporary(name), name);\n',
  ),
  mutant(
    '129 a torn end of a manifest is believed',
    `${STORAGE}/frame.ts`,
    'if (meta === undefined || payload.length < head.payloadBytes || crc32(payload) !== head.payloadChecksum)',
    'if (meta === undefined)',
    change(
      `${STORAGE}/manifest-log.ts`,
      'if (bytes.length === part.bytes && crc32(bytes) === part.checksum) return bytes;',
      'if (bytes.length <= part.bytes) return bytes;',
    ),
  ),
  mutant(
    '130 the manifest of a lower incarnation wins',
    `${STORAGE}/volume.ts`,
    'const below = incarnations.filter((one) => one < incarnation).at(-1) ?? 0;',
    'const below = incarnations.filter((one) => one < incarnation).at(0) ?? 0;',
  ),
  mutant(
    '131 a restore is told before what it drops is durably gone',
    `${STORAGE}/checkpoint-store.ts`,
    'await log.mark({ ...before, entries, clean }, version);',
    'log.adopt({ ...before, entries, clean });',
  ),
  mutant(
    '132 files are removed before the manifest that needs them is replaced',
    `${STORAGE}/checkpoint-store.ts`,
    'else if (lost.length > 0 || !garbage.isEmpty()) await log.mark(next);',
    'else if (lost.length > 0 || !garbage.isEmpty()) log.adopt(next);',
  ),
  mutant(
    '134 the state of a checkpoint is not synced',
    `${STORAGE}/part-files.ts`,
    '    await file.writeAt(0, sealHead(head, checksum));\n    await file.datasync();\n',
    '    await file.writeAt(0, sealHead(head, checksum));\n',
  ),
  mutant(
    "135 the name of a checkpoint's file is not synced",
    `${STORAGE}/part-writer.ts`,
    "      if (statePart.place !== 'inline' || sessionsPart.place !== 'inline') await disk.syncDirectory();\n",
    '',
  ),
  mutant(
    '136 an append in flight outlives a rollback',
    `${STORAGE}/appends.ts`,
    '      for (const one of pending) if (one.key.version > version) one.drop();\n',
    '',
    change(
      `${STORAGE}/checkpoint-store.ts`,
      'const entries = upTo(before.entries, version);',
      'const entries = before.entries;',
    ),
  ),
  mutant(
    '137 a zombie writes a manifest although it was superseded',
    `${STORAGE}/manifest-log.ts`,
    '    await refuseIfSuperseded(disk, head.incarnation);\n',
    '',
    change(`${STORAGE}/volume.ts`, '  await refuseIfSuperseded(disk, incarnation);\n  await ensure', '  await ensure'),
    change(
      `${STORAGE}/names.ts`,
      'return `manifest-${incarnation}`;',
      'return `manifest-${incarnation - (incarnation % 2)}`;',
    ),
  ),
  mutant(
    '138 the Finder starts from a record of which nothing is valid',
    `${STORAGE}/two-slot-file.ts`,
    "if (slots.some((slot) => slot.state === 'present')) throw noValidSlot(disk, slots);",
    '',
  ),
  mutant(
    '170 a worker does not look whether its files are under their names',
    `${STORAGE}/manifest-log.ts`,
    '  if (missing === undefined) return;\n',
    '  return;\n',
  ),
  mutant(
    '171 the Finder does not look whether its record is under its name',
    `${STORAGE}/two-slot-file.ts`,
    '    if (missing !== undefined) throw volumeLost(disk, missing);\n',
    '',
  ),
];
