import { useEffect, useRef } from 'react';

/** Keys by what they type (`KeyboardEvent.key`), so that `?` is `?` on every keyboard layout. */
export type KeyActions = readonly (readonly [key: string, action: () => void])[];

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function isInsideOverlay(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('[role="dialog"], [role="menu"], [role="listbox"]') !== null
  );
}

/** Single-key shortcuts for a screen: silent while somebody types or a dialog is open. */
export function useKeys(keys: KeyActions): void {
  const current = useRef(keys);
  useEffect(() => {
    current.current = keys;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (isTyping(event.target) || isInsideOverlay(event.target)) return;
      const action = current.current.find(([key]) => key === event.key)?.[1];
      if (!action) return;
      event.preventDefault();
      action();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);
}
