import { useCallback, useEffect, useState } from 'react';

const SAID_MS = 1_500;

/** Without HTTPS, as in many hospital networks, browsers offer no clipboard: the old way works there. */
function copyOldWay(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.style.position = 'fixed';
  area.style.opacity = '0';
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}

async function copyText(text: string): Promise<boolean> {
  if (!navigator.clipboard) return copyOldWay(text);
  return navigator.clipboard.writeText(text).then(
    () => true,
    () => copyOldWay(text),
  );
}

/** Copies to the clipboard, and is `copied` for a moment after that. */
export function useCopy(): { copied: boolean; copy: (text: string) => void } {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = useCallback((text: string) => void copyText(text).then(setCopied), []);
  return { copied, copy };
}
