import { useRef } from 'react';

function studyOf(link: HTMLElement | undefined): string | null {
  return link?.closest('tr')?.dataset.study ?? null;
}

/** Moves the focus through the links of a table's rows. The place is kept while the focus is elsewhere. */
export function useRowFocus() {
  const tableRef = useRef<HTMLDivElement>(null);
  const lastStudy = useRef<string | null>(null);

  const links = () => [
    ...(tableRef.current?.querySelectorAll<HTMLElement>('tr[data-study] .row-link') ?? []),
  ];

  const focus = (link: HTMLElement | undefined) => {
    if (!link) return;
    lastStudy.current = studyOf(link);
    link.focus({ preventScroll: true });
    link.closest('tr')?.scrollIntoView({ block: 'nearest' });
  };

  const currentIndex = () => {
    const rows = links();
    const focused = rows.findIndex((link) => link.closest('tr')?.contains(document.activeElement));
    return focused >= 0 ? focused : rows.findIndex((link) => studyOf(link) === lastStudy.current);
  };

  const move = (step: number) => {
    const rows = links();
    focus(rows[Math.min(rows.length - 1, Math.max(0, currentIndex() + step))]);
  };

  return {
    tableRef,
    move,
    focusFirst: () => focus(links()[0]),
    focusedStudy: () => studyOf(links()[currentIndex()]),
  };
}
