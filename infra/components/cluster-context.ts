import type { Input, Output } from '@pulumi/pulumi';
import { interpolate } from '@pulumi/pulumi';
import type { PlannedImage, ServiceFamilies } from '../plan/index.ts';

/** What all parts of one cluster share. */
export interface ClusterContext {
  /** The namespace that everything is in. */
  readonly namespace: Input<string>;
  /** Which addresses every Service has. */
  readonly serviceFamilies: ServiceFamilies;
  /** The registry of the project's images, where the configuration names none. */
  readonly registry?: Input<string> | undefined;
  /** The Secret that holds the tokens; undefined where there are none. */
  readonly tokens?: TokenSecret | undefined;
  /** The service accounts that were made, by the names that plans have for them. */
  readonly accounts?: Readonly<Record<string, Input<string>>> | undefined;
}

/** A Secret and which tokens it has. */
export interface TokenSecret {
  readonly name: Input<string>;
  /** Environment variables, which are its keys too. */
  readonly variables: readonly string[];
}

/** An image as a container names it. */
export function imageName({ name, withoutRegistry }: PlannedImage, { registry }: ClusterContext): Output<string> {
  return withoutRegistry && registry !== undefined ? interpolate`${registry}/${name}` : interpolate`${name}`;
}
