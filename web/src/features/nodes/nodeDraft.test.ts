import { expect, it } from 'vitest';
import { checkText } from './checkText';
import { draftOf, faultsOf, isChanged, newDraft, nodeOf, pemOf } from './nodeDraft';
import type { Finding, Node } from './types';

const CT1: Node = {
  ...nodeOf(newDraft({ host: 'ct1.example.org' })),
  ae_title: 'CT1',
  certificates: [],
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
};

it('a node comes back from the form as it went in', () => {
  const { ae_title: _title, certificates: _list, created_at: _created, updated_at: _updated, ...node } = CT1;
  expect(nodeOf(draftOf(CT1))).toEqual(node);
  expect(isChanged(draftOf(CT1), draftOf(CT1))).toBe(false);
  expect(isChanged(draftOf(CT1), { ...draftOf(CT1), port: 105 })).toBe(true);
});

it.each([
  [{}, []],
  [{ ae_title: ' ' }, ['ae_title']],
  [{ ae_title: 'A\\B' }, ['ae_title']],
  [{ ae_title: 'CTÄ' }, ['ae_title']],
  [{ ae_title: 'CT 1/A [x]' }, []],
  [{ host: 'no host' }, ['host']],
  [{ port: '' as const }, ['port']],
  [{ port: 70000 }, ['port']],
  [{ host: '', port: 0 }, ['host', 'port']],
])('%j is refused for %j', (wrong, faults) => {
  expect(faultsOf({ ...draftOf(CT1), ...wrong })).toEqual(faults);
});

it('a certificate file is PEM already, or becomes it', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n';
  expect(pemOf(new TextEncoder().encode(pem).buffer)).toBe(pem);
  expect(pemOf(new Uint8Array([0, 1, 2]).buffer)).toBe(pem);
});

it('a check is text that can be mailed', () => {
  const findings: Finding[] = [
    { step: 'name', name: 'known', state: 'well', seen: 'ct1 is 192.0.2.1.', advice: '' },
    { step: 'tcp', name: 'refused', state: 'ill', seen: 'Nothing listens.', advice: 'Start it.' },
  ];
  const words = {
    heading: 'CT1',
    title: (step: string) => step.toUpperCase(),
    state: (state: string) => state,
  };
  expect(checkText(findings, words)).toBe(
    'CT1\n\n[well] NAME: ct1 is 192.0.2.1.\n[ill] TCP: Nothing listens.\n    > Start it.\n',
  );
});
