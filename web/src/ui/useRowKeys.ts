import { useRef } from 'react';

function keyOf(row: Element | null | undefined): string | null {
  return row instanceof HTMLElement ? (row.dataset.row ?? null) : null;
}

/** Moves the focus through the first links or buttons (`.row-link`) of a table's rows (`tr[data-row]`). */
export function useRowKeys() {
  const tableRef = useRef<HTMLDivElement>(null);
  const last = useRef<string | null>(null);
  const links = () => [...(tableRef.current?.querySelectorAll<HTMLElement>('tr[data-row] .row-link') ?? [])];

  const focus = (link: HTMLElement | undefined) => {
    if (!link) return;
    last.current = keyOf(link.closest('tr'));
    link.focus({ preventScroll: true });
    link.closest('tr')?.scrollIntoView({ block: 'nearest' });
  };

  const currentIndex = () => {
    const rows = links();
    const focused = rows.findIndex((link) => link.closest('tr')?.contains(document.activeElement));
    return focused >= 0 ? focused : rows.findIndex((link) => keyOf(link.closest('tr')) === last.current);
  };

  const move = (step: number) => {
    const rows = links();
    focus(rows[Math.min(rows.length - 1, Math.max(0, currentIndex() + step))]);
  };

  return {
    tableRef,
    move,
    focusFirst: () => focus(links()[0]),
    /** The `data-row` of the row that has, or last had, the focus. */
    focusedRow: () => keyOf(links()[currentIndex()]?.closest('tr')),
  };
}
