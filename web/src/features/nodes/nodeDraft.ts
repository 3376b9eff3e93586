/** A node while it is being written: what the form begins with, what is still wrong, what is sent. */
import { CAPABILITIES, type Node, type NodeIn } from './types';

export interface NodeDraft extends Omit<NodeIn, 'port'> {
  ae_title: string;
  /** Empty while nothing is typed. */
  port: number | '';
}

/** The well-known port (PS3.8 9.1.2): what most devices listen on. */
const WELL_KNOWN_PORT = 104;
const AE_TITLE_CHARACTERS_MAX = 16;

export function newDraft(known: Partial<NodeDraft> = {}): NodeDraft {
  return {
    ae_title: '',
    host: '',
    port: WELL_KNOWN_PORT,
    description: '',
    capabilities: [...CAPABILITIES],
    is_active: true,
    address_must_match: false,
    addresses: [],
    tls: 'off',
    certificate_pem: '',
    associations_max: 1,
    preferred_transfer_syntaxes: [],
    commits_on_same_association: false,
    ...known,
  };
}

export function draftOf(node: Node): NodeDraft {
  const { certificates: _certificates, created_at: _created, updated_at: _updated, ...draft } = node;
  return draft;
}

/** What the server is told; `port` has been looked at before. */
export function nodeOf(draft: NodeDraft): NodeIn {
  const { ae_title: _title, ...node } = draft;
  return { ...node, port: Number(node.port) };
}

export type Fault = 'ae_title' | 'host' | 'port';

/** What must be mended before it is worth asking the server, which has the last word. */
export function faultsOf(draft: NodeDraft): Fault[] {
  const faults: Fault[] = [];
  const title = draft.ae_title.trim();
  if (!title || title.length > AE_TITLE_CHARACTERS_MAX || !/^[ -[\]-~]+$/.test(title))
    faults.push('ae_title');
  if (!draft.host.trim() || /\s/.test(draft.host.trim())) faults.push('host');
  if (draft.port === '' || draft.port < 1 || draft.port > 65535) faults.push('port');
  return faults;
}

export function isChanged(before: NodeDraft, now: NodeDraft): boolean {
  return JSON.stringify(before) !== JSON.stringify(now);
}

/** PEM text of a certificate file, which is PEM or its binary form (DER). */
export function pemOf(content: ArrayBuffer): string {
  const bytes = new Uint8Array(content);
  const text = new TextDecoder().decode(bytes);
  if (text.includes('-----BEGIN')) return text;
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
