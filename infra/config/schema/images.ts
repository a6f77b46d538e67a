import { z } from 'zod';
import { text, word } from './values.ts';

const MAX_IMAGE_CHARACTERS = 512;

/** What a kubelet takes for the name of an image, with a registry and folders before it, and a tag or a digest behind. */
const IMAGE_HOST = String.raw`(?:[a-zA-Z0-9](?:[-.a-zA-Z0-9]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?`;
const IMAGE_NAME = String.raw`[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*`;
const IMAGE_TAG = String.raw`\w[-.\w]{0,127}`;
const IMAGE_DIGEST = String.raw`[a-z0-9]+:[0-9a-f]{32,}`;
export const image = word(
  'must be a container image, such as "registry/name:tag": no https://, and names in lower case',
  new RegExp(`^(?:${IMAGE_HOST}/)?${IMAGE_NAME}(?:/${IMAGE_NAME})*(?::${IMAGE_TAG})?(?:@${IMAGE_DIGEST})?$`),
  MAX_IMAGE_CHARACTERS,
);
const registry = word(
  'must be a registry, such as "registry.example.com/dpr": no https://, no slash at the end, and folders in lower case',
  new RegExp(`^${IMAGE_HOST}(?:/${IMAGE_NAME})*$`),
  MAX_IMAGE_CHARACTERS,
);
const tag = word('must be a tag, such as "0.1.0"', new RegExp(`^${IMAGE_TAG}$`), MAX_IMAGE_CHARACTERS);

/** An image by the name of each, and what the names of the others are made of. */
export const images = z
  .record(z.string(), text, { error: 'must map worker types to images, such as { kv: "registry/kv:3" }' })
  .superRefine((given, context) => {
    for (const [name, value] of Object.entries(given)) {
      const rule = name === 'registry' ? registry : name === 'tag' ? tag : image;
      const [issue] = rule.safeParse(value).error?.issues ?? [];
      if (issue !== undefined) context.addIssue({ code: 'custom', path: [name], message: issue.message });
    }
  });
