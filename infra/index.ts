// The program that `pulumi up` runs: the stack's configuration becomes a cluster, and these are its outputs.
import { deployStack } from './deploy-stack.ts';

const stack = await deployStack();

export const { finderUrl, endpoints, portMap, volumes, removed, place, defaults, azure } = stack;
