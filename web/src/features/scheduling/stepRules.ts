/** What a person may do with a step in which state. The server decides; this is for what to offer. */
import type { DeskVerb, StepStatus } from './types';

const FROM: Record<DeskVerb | 'edit' | 'cancel', readonly StepStatus[]> = {
  arrive: ['SCHEDULED'],
  prepare: ['SCHEDULED', 'ARRIVED'],
  depart: ['COMPLETED', 'DISCONTINUED'],
  edit: ['SCHEDULED', 'ARRIVED', 'READY'],
  cancel: ['SCHEDULED', 'ARRIVED', 'READY'],
};

export function can(what: keyof typeof FROM, status: StepStatus): boolean {
  return FROM[what].includes(status);
}

/** Has the machine said anything of it? */
export function isReported(status: StepStatus): boolean {
  return ['STARTED', 'COMPLETED', 'DISCONTINUED', 'DEPARTED'].includes(status);
}
