/** What travels about nodes, in the server's own words. Where to start: `NodeIn`. */

export const CAPABILITIES = [
  'store',
  'find',
  'retrieve',
  'worklist',
  'performed_steps',
  'commitment',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

export const TLS_MODES = ['off', 'on', 'required'] as const;
export type TLSMode = (typeof TLS_MODES)[number];

/** What a node is to be; its AE title stands beside it. */
export interface NodeIn {
  host: string;
  port: number;
  description: string;
  capabilities: Capability[];
  is_active: boolean;
  address_must_match: boolean;
  /** Beside its host: addresses and networks (192.0.2.0/24) it may call from. */
  addresses: string[];
  tls: TLSMode;
  certificate_pem: string;
  /** How many associations at once when we send to it. */
  associations_max: number;
  /** UIDs, best first; none: as stored. */
  preferred_transfer_syntaxes: string[];
  commits_on_same_association: boolean;
}

export interface Certificate {
  /** SHA-256 as AB:CD:… */
  fingerprint: string;
  subject: string;
  not_valid_after: string;
}

export interface Node extends NodeIn {
  ae_title: string;
  certificates: Certificate[];
  created_at: string;
  updated_at: string;
}

export interface ReadCertificates {
  certificate_pem: string;
  certificates: Certificate[];
}

export interface UnknownCaller {
  calling_ae_title: string;
  address: string;
  called_ae_title: string;
  /** A machine word; `explanation` says it in plain words. */
  reason: string;
  explanation: string;
  certificate_fingerprint: string;
  first_seen_at: string;
  last_seen_at: string;
  calls: number;
  is_registered: boolean;
  proposed_node: { ae_title: string; host: string; port: number } | null;
}

export interface OurNode {
  ae_title: string;
  called_ae_title_must_match: boolean;
  dicom_host: string;
  dicom_port: number;
  dicom_tls_port: number | null;
  certificate: Certificate | null;
  certificate_pem: string;
}

/** The steps of a connection check, in their order. */
export const STEPS = [
  'name',
  'tcp',
  'tls',
  'association',
  'echo',
  'find',
  'store',
  'store_back',
  'move_back',
] as const;
export type Step = (typeof STEPS)[number];

export interface Finding {
  step: Step;
  name: string;
  state: 'well' | 'look' | 'ill' | 'skipped';
  seen: string;
  /** Which side must change what; empty when nothing must. */
  advice: string;
}
