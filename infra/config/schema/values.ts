/** Values that a configuration is made of, each with the words that say what it must be. */
import { z } from 'zod';
import { MAX_PORT } from '../../plan/ports.ts';
import { quantityValue } from '../../plan/quantity.ts';

/** Of one extended resource. */
const MAX_EXTENDED = 1_000_000;
const MAX_PATH_CHARACTERS = 4_096;
/** A domain, a slash and a word. */
const MAX_LABEL_CHARACTERS = 253 + 1 + 63;

/** A whole number; the message says the range. */
export const whole = (from: number, to: number) => {
  const error = `must be a whole number from ${from} to ${to}`;
  return z.int({ error }).min(from, { error }).max(to, { error });
};
export const port = whole(1, MAX_PORT);

export const word = (error: string, pattern: RegExp, maximum: number) =>
  z.string({ error }).regex(pattern, { error }).max(maximum, { error });
const DNS_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
export const dnsLabel = (what: string) =>
  word(`must be ${what}: lower-case letters, digits and hyphens, a letter first, at most 63 characters`, DNS_LABEL, 63);
export const text = z.string({ error: 'must be a text, in quotes where it looks like a number' });
export const mountPath = word('must be an absolute directory, such as "/data"', /^\/[^:]*[^/:]$/, MAX_PATH_CHARACTERS);
export const kubernetesName = (what: string) =>
  word(
    `must be the name of ${what}: words of lower-case letters, digits and hyphens, with single dots between them`,
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    253,
  );
export const flag = z.boolean({ error: 'must be true or false' });

export const hostName = word(
  'must be a host name in lower case and without a port, such as "devbox.lan"',
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  253,
);

/** An address by itself. */
export const ipAddress = z.union([z.ipv4(), z.ipv6()], { error: 'must be an address, such as "203.0.113.7"' });
/** A range of addresses. */
export const cidr = z.union([z.cidrv4(), z.cidrv6()], {
  error: 'must be a range of addresses, such as "203.0.113.0/24"',
});
const FAMILIES = ['IPv4', 'IPv6'] as const;
const FAMILIES_ERROR = 'must list IPv4, IPv6 or both, the main one first, such as ["IPv6"]';
export const ipFamilies = z
  .array(z.enum(FAMILIES, { error: 'must be IPv4 or IPv6' }), { error: FAMILIES_ERROR })
  .refine((given) => given.length > 0 && new Set(given).size === given.length, { error: FAMILIES_ERROR });

/** A Kubernetes quantity of at least `least`; a plain number is taken as its text. */
export const quantity = (example: string, least: number, leastText: string) => {
  const error = `must be a Kubernetes quantity of at least ${leastText}, such as "${example}"`;
  return z
    .union([z.string(), z.number()], { error })
    .transform(String)
    .refine((text) => (quantityValue(text) ?? 0) >= least, { error });
};
export const cpuAmount = quantity('500m', 0.001, '1m');
export const memoryAmount = quantity('512Mi', 2 ** 20, '1Mi');
export const storage = quantity('10Gi', 2 ** 20, '1Mi');
export const maxMemory = quantity('256Mi', 2 ** 20, '1Mi');

/** An object of these keys and no others; of an unknown key the message says which ones exist. */
export const record = <Shape extends z.core.$ZodShape>(what: string, shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : `must be ${what}`),
  });
export const range = (amount: typeof cpuAmount, what: string) =>
  record(`${what} to request and its limit: { request, limit }`, {
    request: amount.optional(),
    limit: amount.optional(),
  });

/** What may be left out, or said in one word: `true` is an object that says nothing, `false` is none. */
export const switched = <Schema extends z.ZodType<object>>(given: Schema) =>
  z.preprocess(
    (value: boolean | z.input<Schema> | undefined) => (value === true ? {} : value === false ? undefined : value),
    given.optional(),
  );

/** A list whose items differ in what identifies them. */
export const uniqueList = <Item extends z.ZodType>(
  item: Item,
  identity: (item: z.output<Item>) => string,
  error: string,
) => z.array(item, { error }).refine((items) => new Set(items.map(identity)).size === items.length, { error });

export const named = <Value extends z.ZodType>(value: Value, error: string) => z.record(z.string(), value, { error });

const LABEL_NAME = String.raw`[A-Za-z0-9](?:[-._A-Za-z0-9]{0,61}[A-Za-z0-9])?`;
const LABEL_DOMAIN = String.raw`[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*`;
const labelName = z
  .string()
  .regex(new RegExp(`^(?:${LABEL_DOMAIN}/)?${LABEL_NAME}$`))
  .max(MAX_LABEL_CHARACTERS);
/** Of Kubernetes objects. */
export const labels = z.record(
  labelName,
  text.regex(new RegExp(`^(?:${LABEL_NAME})?$`), {
    error: 'must be the value of a label: letters, digits, hyphens, dots and underscores, at most 63 characters',
  }),
  {
    error: ({ code }) =>
      code === 'invalid_key'
        ? 'must stand at the name of a label, such as release or example.com/team'
        : 'must map labels to texts, such as { release: prometheus }',
  },
);

/** Of Kubernetes objects; the names are made as those of labels are. */
export const annotations = z.record(labelName, text, {
  error: ({ code }) =>
    code === 'invalid_key'
      ? 'must stand at the name of an annotation, such as example.com/team'
      : 'must map annotations to texts, such as { example.com/team: orders }',
});
/** So many of each of the devices and the like that nodes offer, by their names. */
export const extendedResources = z.record(
  z.string().regex(new RegExp(`^(?!(?:.*\\.)?kubernetes\\.io/)${LABEL_DOMAIN}/${LABEL_NAME}$`)),
  whole(0, MAX_EXTENDED),
  {
    error: ({ code }) =>
      code === 'invalid_key'
        ? 'must stand at the name of an extended resource, such as nvidia.com/gpu'
        : 'must map extended resources to numbers, such as { nvidia.com/gpu: 1 }',
  },
);
