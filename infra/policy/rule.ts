/** A resource as its inputs describe it. */
export type Resource = { readonly type: string; readonly props: Readonly<Record<string, unknown>> };

/** What resources have to keep to. */
export type Rule = {
  readonly name: string;
  readonly description: string;
  /** What a violation does unless the administrator says otherwise: fails the deployment, or is shown. */
  readonly level: 'mandatory' | 'advisory';
  /** Whether only stacks that are production have to. */
  readonly isForProduction: boolean;
  /** What is wrong with a resource, and what to set; nothing where the rule says nothing of it. */
  readonly problems: (resource: Resource) => string[];
};
