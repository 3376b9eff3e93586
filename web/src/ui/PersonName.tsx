import { shownName } from './personName';

interface Props {
  /** DICOM PN text */
  name: string | null | undefined;
  /** Shown when there is no name. */
  none: string;
}

/** `bdi` keeps a right-to-left name from turning its neighbours around. */
export function PersonName({ name, none }: Props) {
  const { main, aside } = shownName(name);
  if (!main) return <span style={{ fontStyle: 'italic', opacity: 0.85 }}>{none}</span>;
  return (
    <>
      <bdi dir="auto">{main}</bdi>
      {aside && (
        <>
          {' '}
          <bdi dir="auto" className="name-aside">
            ({aside})
          </bdi>
        </>
      )}
    </>
  );
}
