/** What travels about storage commitment, in the server's own words. */

export const RECEIVED_STATES = ['received', 'verifying', 'waiting to report', 'reported', 'parked'] as const;
export const ASKED_STATES = [
  'waiting to ask',
  'asked',
  'committed',
  'partly committed',
  'not committed',
  'overdue',
  'parked',
] as const;

export type ReceivedState = (typeof RECEIVED_STATES)[number];
export type AskedState = (typeof ASKED_STATES)[number];

interface Request {
  id: string;
  transaction_uid: string;
  number_of_instances: number;
  number_failed: number;
  attempts: number;
  last_error: string | null;
}

/** A request that a node made of us. */
export interface Received extends Request {
  calling_ae_title: string;
  state: ReceivedState;
  number_verified: number;
  received_at: string;
  verified_at: string | null;
  reported_at: string | null;
}

/** A request that we make of a node. */
export interface Asked extends Request {
  node_ae_title: string;
  state: AskedState;
  created_at: string;
  asked_at: string | null;
  answered_at: string | null;
  reported_by: string | null;
}

export interface Page<Item> {
  items: Item[];
  total: number;
}

/** An instance that is not committed. */
export interface Failure {
  sop_class_uid: string;
  sop_instance_uid: string;
  failure_reason: number;
  explanation: string;
}

export type Direction = 'received' | 'asked';

/** Either kind, as the table shows it. */
export interface Row {
  id: string;
  node: string;
  state: ReceivedState | AskedState;
  instances: number;
  failed: number;
  lastError: string | null;
  at: string;
  answeredAt: string | null;
  transactionUid: string;
}
