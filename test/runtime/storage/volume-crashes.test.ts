import { describeVolumeCrashes } from './volume-crashes.ts';

describeVolumeCrashes({ every: 8, claims: 1, lives: 10, zombies: 10 });
