import { Autocomplete, Select, TagsInput, Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { BODY_PARTS, LATERALITIES, MODALITIES, PREGNANCIES, PRIORITIES, SEXES } from './modalities';
import { useStations } from './queries';
import { FIXED, type FieldProblems, REQUIRED, type StepField, type StepValues } from './stepForm';

interface Props {
  values: StepValues;
  problems: FieldProblems;
  /** A step that exists: its identifiers stay. */
  isHeld: boolean;
  onChange: (wanted: Partial<StepValues>) => void;
}

type TextField = Exclude<StepField, 'stations'>;

/** Everything that can be said of an exam, in the order in which a request form has it. */
export function StepFields(props: Props) {
  const { t } = useTranslation();
  return (
    <>
      <Section title={t('worklist.section_patient')}>
        <div className="form-columns">
          <Typed {...props} field="family_name" isFirst={!props.isHeld} />
          <Typed {...props} field="given_name" />
          <Typed {...props} field="patient_id" mono />
          <Typed {...props} field="patient_birth_date" type="date" />
          <Chosen {...props} field="patient_sex" data={words(t, SEXES, (sex) => `study.sex_${sex}`)} />
        </div>
      </Section>
      <Section title={t('worklist.section_exam')}>
        <Typed {...props} field="procedure" />
        <div className="form-columns">
          <Offered {...props} field="modality" data={MODALITIES} />
          <Stations {...props} />
          <Typed {...props} field="start_date" type="date" />
          <Typed {...props} field="start_time" type="time" />
          <Offered {...props} field="body_part" data={BODY_PARTS} />
          <Chosen
            {...props}
            field="laterality"
            data={words(t, LATERALITIES, (side) => `worklist.laterality.${side}`)}
          />
          <Chosen
            {...props}
            field="priority"
            data={words(t, PRIORITIES, (one) => `worklist.priority.${one}`)}
          />
          <Typed {...props} field="room" />
        </div>
        <Long {...props} field="comments" />
      </Section>
      <Section title={t('worklist.section_request')}>
        <div className="form-columns">
          <Typed
            {...props}
            field="accession_number"
            mono
            placeholder={props.isHeld ? '' : t('worklist.made_here')}
          />
          <Typed {...props} field="patient_location" />
          <Typed {...props} field="referring_physician" placeholder={t('worklist.name_form')} />
          <Typed {...props} field="requesting_physician" placeholder={t('worklist.name_form')} />
          <Typed {...props} field="performing_physician" placeholder={t('worklist.name_form')} />
          <Typed {...props} field="reason" />
        </div>
      </Section>
      <Section title={t('worklist.section_safety')}>
        <div className="form-columns">
          <Typed {...props} field="allergies" />
          <Typed {...props} field="medical_alerts" />
          <Chosen
            {...props}
            field="pregnancy_status"
            data={words(t, PREGNANCIES, (one) => `worklist.pregnancy.${one}`)}
          />
          <Typed {...props} field="patient_weight" inputMode="decimal" />
          <Typed {...props} field="contrast_agent" />
          <Typed {...props} field="special_needs" />
        </div>
      </Section>
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="form-section">
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

function words(t: (key: string) => string, values: string[], key: (value: string) => string) {
  return values.map((value) => ({ value, label: t(key(value)) }));
}

/** What every kind of field has in common. */
function useField({ problems, isHeld }: Props, field: StepField) {
  const { t } = useTranslation();
  const problem = problems[field];
  const said =
    problem &&
    (problem.word === 'other'
      ? problem.text
      : t(`worklist.problem_${problem.word}`, { count: problem.most ?? 0 }));
  const isFixed = isHeld && FIXED.includes(field);
  return {
    label: t(`worklist.field.${field}`),
    required: REQUIRED.includes(field),
    // Not disabled: whose exam it is must stay easy to read.
    readOnly: isFixed,
    description: isFixed ? t('worklist.fixed') : undefined,
    error: said,
    name: field,
  };
}

type OneProps = Props & {
  field: TextField;
  type?: 'date' | 'time';
  mono?: boolean;
  isFirst?: boolean;
  placeholder?: string;
  inputMode?: 'decimal';
};

function Typed({ field, type, mono, isFirst, placeholder, inputMode, ...form }: OneProps) {
  return (
    <TextInput
      {...useField(form, field)}
      type={type ?? 'text'}
      placeholder={placeholder}
      inputMode={inputMode}
      classNames={mono ? { input: 'mono' } : {}}
      data-autofocus={isFirst || undefined}
      autoComplete="off"
      value={form.values[field]}
      onChange={(event) => form.onChange({ [field]: event.currentTarget.value })}
    />
  );
}

function Long({ field, ...form }: Props & { field: TextField }) {
  return (
    <Textarea
      {...useField(form, field)}
      autosize
      minRows={2}
      maxRows={8}
      value={form.values[field]}
      onChange={(event) => form.onChange({ [field]: event.currentTarget.value })}
    />
  );
}

type ChosenProps = Props & { field: TextField; data: { value: string; label: string }[] };

function Chosen({ field, data, ...form }: ChosenProps) {
  const { t } = useTranslation();
  const value = form.values[field];
  const isKnown = !value || data.some((one) => one.value === value);
  return (
    <Select
      {...useField(form, field)}
      data={isKnown ? data : [...data, { value, label: value }]}
      value={value || null}
      onChange={(chosen) => form.onChange({ [field]: chosen ?? '' })}
      clearable
      clearButtonProps={{ 'aria-label': t('worklist.clear_field') }}
      comboboxProps={{ withinPortal: true }}
    />
  );
}

function Offered({ field, data, ...form }: Props & { field: TextField; data: string[] }) {
  return (
    <Autocomplete
      {...useField(form, field)}
      data={data}
      autoComplete="off"
      value={form.values[field]}
      onChange={(typed) => form.onChange({ [field]: typed.toUpperCase() })}
    />
  );
}

function Stations(form: Props) {
  const { t } = useTranslation();
  const stations = useStations();
  const describe = new Map(stations.map((station) => [station.ae_title, station.description]));
  return (
    <TagsInput
      {...useField(form, 'stations')}
      placeholder={form.values.stations.length ? '' : t('worklist.stations_hint')}
      data={stations.map((station) => station.ae_title)}
      renderOption={({ option }) => (
        <span>
          <span className="mono">{option.value}</span>{' '}
          <span className="quiet">{describe.get(option.value)}</span>
        </span>
      )}
      value={form.values.stations}
      onChange={(chosen) => form.onChange({ stations: chosen })}
      clearButtonProps={{ 'aria-label': t('worklist.clear_field') }}
    />
  );
}
