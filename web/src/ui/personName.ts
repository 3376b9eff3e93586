/**
 * A DICOM person name (PS3.5 §6.2.1.2: groups split by `=`, components by `^`) as people write it:
 * "Family, Given Middle", with the ideographic group in parentheses.
 */
function group(text: string | undefined): string {
  const [family, given, middle, prefix, suffix] = (text ?? '').split('^').map((part) => part.trim());
  const own = [prefix, given, middle].filter(Boolean).join(' ');
  return [[family, own].filter(Boolean).join(', '), suffix].filter(Boolean).join(', ');
}

/** Ideographic names have no comma: 山田 太郎. */
function ideographicGroup(text: string | undefined): string {
  return (text ?? '').split('^').filter(Boolean).join(' ').trim();
}

export interface ShownName {
  /** "Family, Given", or the ideographic form when it is the only one; empty for no name. */
  main: string;
  /** The ideographic form beside `main`, or empty. */
  aside: string;
}

export function shownName(personName: string | null | undefined): ShownName {
  const [alphabetic, ideographic, phonetic] = (personName ?? '').split('=');
  const main = group(alphabetic);
  const aside = ideographicGroup(ideographic);
  if (main) return { main, aside };
  return { main: aside || ideographicGroup(phonetic), aside: '' };
}
