import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';

const TYPING_PAUSE_MS = 250;

/** A text field that asks when the typing pauses, and follows its value when that changes elsewhere. */
export function useTyped(value: string, onTyped: (value: string) => void) {
  const [typed, setTyped] = useState(value);
  const told = useRef(value);
  useEffect(() => {
    // Our own words coming back must not overwrite what was typed since.
    if (value !== told.current) setTyped(value);
    told.current = value;
  }, [value]);
  const tell = useDebouncedCallback((text: string) => {
    told.current = text;
    onTyped(text);
  }, TYPING_PAUSE_MS);
  return [
    typed,
    (next: string) => {
      setTyped(next);
      tell(next);
    },
  ] as const;
}
