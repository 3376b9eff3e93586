import {
  Checkbox,
  Fieldset,
  Group,
  MultiSelect,
  NumberInput,
  Radio,
  Stack,
  Switch,
  TagsInput,
  TextInput,
} from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { CertificateField } from './CertificateField';
import type { Fault, NodeDraft } from './nodeDraft';
import { CAPABILITIES, type Capability, type Certificate, TLS_MODES, type TLSMode } from './types';

interface Props {
  draft: NodeDraft;
  change: (wanted: Partial<NodeDraft>) => void;
  faults: Fault[];
}

/** What is worth asking for when we send; others, set at the command line, are shown by their UID. */
const TRANSFER_SYNTAXES = [
  { value: '1.2.840.10008.1.2.1', label: 'Explicit VR Little Endian' },
  { value: '1.2.840.10008.1.2', label: 'Implicit VR Little Endian' },
  { value: '1.2.840.10008.1.2.1.99', label: 'Deflated Explicit VR Little Endian' },
  { value: '1.2.840.10008.1.2.4.70', label: 'JPEG Lossless (Process 14, Selection Value 1)' },
  { value: '1.2.840.10008.1.2.4.80', label: 'JPEG-LS Lossless' },
  { value: '1.2.840.10008.1.2.4.90', label: 'JPEG 2000 (Lossless Only)' },
  { value: '1.2.840.10008.1.2.4.201', label: 'High-Throughput JPEG 2000 (Lossless Only)' },
  { value: '1.2.840.10008.1.2.5', label: 'RLE Lossless' },
];

export function AddressSection({ draft, change, faults, isNew }: Props & { isNew: boolean }) {
  const { t } = useTranslation();
  const error = (fault: Fault) => faults.includes(fault) && t(`nodes.fault_${fault}`);
  return (
    <Fieldset legend={t('nodes.section_address')}>
      <Stack gap="sm">
        <TextInput
          name="ae_title"
          label={t('nodes.ae_title')}
          description={t(isNew ? 'nodes.ae_title_hint' : 'nodes.ae_title_stays')}
          readOnly={!isNew}
          variant={isNew ? 'default' : 'filled'}
          required
          data-autofocus={isNew || undefined}
          maxLength={16}
          autoComplete="off"
          spellCheck={false}
          classNames={{ input: 'mono' }}
          value={draft.ae_title}
          onChange={(event) => change({ ae_title: event.currentTarget.value })}
          error={error('ae_title')}
        />
        <Group gap="sm" align="flex-start" wrap="nowrap">
          <TextInput
            name="host"
            label={t('nodes.host')}
            placeholder="ct1.example.org"
            flex={1}
            required
            data-autofocus={!isNew || undefined}
            autoComplete="off"
            spellCheck={false}
            classNames={{ input: 'mono' }}
            value={draft.host}
            onChange={(event) => change({ host: event.currentTarget.value })}
            error={error('host')}
          />
          <NumberInput
            name="port"
            label={t('nodes.port')}
            w={110}
            required
            min={1}
            max={65535}
            clampBehavior="none"
            allowDecimal={false}
            allowNegative={false}
            hideControls
            value={draft.port}
            onChange={(port) => change({ port: port === '' ? '' : Number(port) })}
            error={error('port')}
          />
        </Group>
        <TextInput
          label={t('nodes.description')}
          description={t('nodes.description_hint')}
          maxLength={256}
          value={draft.description}
          onChange={(event) => change({ description: event.currentTarget.value })}
        />
        <Switch
          label={t('nodes.is_active')}
          description={t('nodes.is_active_hint')}
          checked={draft.is_active}
          onChange={(event) => change({ is_active: event.currentTarget.checked })}
        />
      </Stack>
    </Fieldset>
  );
}

export function CapabilitySection({ draft, change }: Props) {
  const { t } = useTranslation();
  return (
    <Fieldset legend={t('nodes.section_capabilities')}>
      <Checkbox.Group
        aria-label={t('nodes.section_capabilities')}
        value={draft.capabilities}
        onChange={(chosen) => change({ capabilities: chosen as Capability[] })}
      >
        <Stack gap="sm">
          {CAPABILITIES.map((capability) => (
            <Checkbox
              key={capability}
              value={capability}
              label={t(`nodes.may.${capability}`)}
              description={t(`nodes.may_hint.${capability}`)}
            />
          ))}
        </Stack>
      </Checkbox.Group>
    </Fieldset>
  );
}

export function IdentitySection({ draft, change, bound }: Props & { bound: Certificate[] }) {
  const { t } = useTranslation();
  return (
    <Fieldset legend={t('nodes.section_identity')}>
      <Stack gap="md">
        <Switch
          label={t('nodes.address_must_match')}
          description={t('nodes.address_must_match_hint')}
          checked={draft.address_must_match}
          onChange={(event) => change({ address_must_match: event.currentTarget.checked })}
        />
        {draft.address_must_match && (
          <TagsInput
            label={t('nodes.addresses')}
            description={t('nodes.addresses_hint')}
            placeholder={draft.addresses.length ? '' : '192.0.2.0/24'}
            acceptValueOnBlur
            value={draft.addresses}
            onChange={(addresses) => change({ addresses })}
          />
        )}
        <Radio.Group
          label={t('nodes.tls')}
          value={draft.tls}
          onChange={(tls) => change({ tls: tls as TLSMode })}
        >
          <Stack gap="xs" mt={6}>
            {TLS_MODES.map((mode) => (
              <Radio
                key={mode}
                value={mode}
                label={t(`nodes.tls_mode.${mode}`)}
                description={t(`nodes.tls_hint.${mode}`)}
              />
            ))}
          </Stack>
        </Radio.Group>
        {(draft.tls !== 'off' || draft.certificate_pem) && (
          <CertificateField bound={bound} onChange={(certificate_pem) => change({ certificate_pem })} />
        )}
      </Stack>
    </Fieldset>
  );
}

export function SendingSection({ draft, change }: Props) {
  const { t } = useTranslation();
  const known = TRANSFER_SYNTAXES.map(({ value }) => value);
  const others = draft.preferred_transfer_syntaxes.filter((uid) => !known.includes(uid));
  return (
    <Fieldset legend={t('nodes.section_sending')}>
      <Stack gap="sm">
        <NumberInput
          label={t('nodes.associations_max')}
          description={t('nodes.associations_max_hint')}
          w={220}
          min={1}
          max={16}
          allowDecimal={false}
          value={draft.associations_max}
          onChange={(value) => change({ associations_max: Number(value) || 1 })}
        />
        <MultiSelect
          label={t('nodes.transfer_syntaxes')}
          description={t('nodes.transfer_syntaxes_hint')}
          placeholder={draft.preferred_transfer_syntaxes.length ? '' : t('nodes.as_stored')}
          data={[...TRANSFER_SYNTAXES, ...others.map((uid) => ({ value: uid, label: uid }))]}
          value={draft.preferred_transfer_syntaxes}
          onChange={(preferred_transfer_syntaxes) => change({ preferred_transfer_syntaxes })}
        />
        <Switch
          label={t('nodes.same_association')}
          description={t('nodes.same_association_hint')}
          checked={draft.commits_on_same_association}
          onChange={(event) => change({ commits_on_same_association: event.currentTarget.checked })}
        />
      </Stack>
    </Fieldset>
  );
}
